//! Prepares the next segment ahead of its use, in small steps: a purged file used again, or a new one filled with zeros.
//!
//! Syncing writes into a file that is already full of zeros takes half as long as syncing a growing file.

use std::io;
use std::mem;
use std::path::PathBuf;

use super::segment::{self, SegmentFile, UNFINISHED_NAME};
use crate::files::{File, Files};

/// One step's zeros: small enough that an append waiting behind it hardly notices.
const STEP_BYTES: u64 = 1024 * 1024;
/// A step is written page by page. What one write brings into the page cache stays one unit there, and a record of a
/// hundred bytes would later dirty all of it.
static ZEROS: [u8; 4096] = [0; 4096];

/// Where segments live, and how long they are.
pub(super) struct Home<F: Files> {
    pub(super) files: F,
    pub(super) dir: PathBuf,
    pub(super) segment_bytes: u64,
}

pub(super) struct Next<F: Files> {
    spares: Vec<SegmentFile<F>>,
    spares_max: usize,
    preparation: Preparation<F>,
    /// The disk had no room for the last step; the current segment can still be used up.
    waits_for_room: bool,
}

enum Preparation<F: Files> {
    NotBegun,
    Filling { file: F::File, filled: u64 },
    Ready(Prepared<F>),
}

/// Has its final name, durably, and no header yet.
pub(super) struct Prepared<F: Files> {
    pub(super) file: F::File,
    pub(super) is_recycled: bool,
}

impl<F: Files> Home<F> {
    pub(super) fn path(&self, number: u64) -> PathBuf {
        segment::path(&self.dir, number)
    }

    pub(super) fn unfinished_path(&self) -> PathBuf {
        self.dir.join(UNFINISHED_NAME)
    }

    pub(super) fn remove(&self, number: u64) -> io::Result<()> {
        self.files.remove_file(&self.path(number))
    }
}

impl<F: Files> Next<F> {
    pub(super) fn new(spares_max: usize) -> Self {
        Self { spares: Vec::new(), spares_max, preparation: Preparation::NotBegun, waits_for_room: false }
    }

    /// Keeps a purged segment's file for later, or gives it back if there are enough.
    pub(super) fn keep(&mut self, spare: SegmentFile<F>) -> Option<SegmentFile<F>> {
        if self.spares.len() >= self.spares_max {
            return Some(spare);
        }
        self.spares.push(spare);
        None
    }

    /// Spare and prepared ones.
    pub(super) fn count(&self) -> u64 {
        let preparation = match self.preparation {
            Preparation::NotBegun => 0,
            Preparation::Filling { .. } | Preparation::Ready(_) => 1,
        };
        self.spares.len() as u64 + preparation
    }

    pub(super) fn has_chores(&self) -> bool {
        !self.waits_for_room && !matches!(self.preparation, Preparation::Ready(_))
    }

    /// One small step towards segment `number`, ahead of its use. Room on the disk is not needed yet.
    pub(super) async fn step_ahead(&mut self, home: &Home<F>, number: u64) -> io::Result<()> {
        match self.step(home, number).await {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                self.waits_for_room = true;
                Ok(())
            }
            stepped => stepped,
        }
    }

    /// Steps that cannot wait if segment `number` is to be ready before the current one, used this far, is full.
    pub(super) async fn keep_pace(&mut self, home: &Home<F>, number: u64, used: u64) -> io::Result<()> {
        self.waits_for_room = false;
        while self.is_behind(used) && !self.waits_for_room {
            self.step_ahead(home, number).await?;
        }
        Ok(())
    }

    fn is_behind(&self, used: u64) -> bool {
        match self.preparation {
            Preparation::NotBegun => true,
            // Twice as fast as it is used.
            Preparation::Filling { filled, .. } => filled < used.saturating_mul(2),
            Preparation::Ready(_) => false,
        }
    }

    /// The prepared segment; what is missing is done now.
    pub(super) async fn take(&mut self, home: &Home<F>, number: u64) -> io::Result<Prepared<F>> {
        loop {
            match mem::replace(&mut self.preparation, Preparation::NotBegun) {
                Preparation::Ready(prepared) => return Ok(prepared),
                unfinished @ (Preparation::NotBegun | Preparation::Filling { .. }) => {
                    self.preparation = unfinished;
                    self.step(home, number).await?;
                }
            }
        }
    }

    async fn step(&mut self, home: &Home<F>, number: u64) -> io::Result<()> {
        match &mut self.preparation {
            Preparation::NotBegun => match self.spares.pop() {
                Some(spare) => self.recycle(home, spare, number).await,
                None => {
                    let file = home.files.create(&home.unfinished_path(), home.segment_bytes)?;
                    self.preparation = Preparation::Filling { file, filled: 0 };
                    Ok(())
                }
            },
            Preparation::Filling { file, filled } if *filled < home.segment_bytes => {
                let step_end = home.segment_bytes.min(*filled + STEP_BYTES);
                while *filled < step_end {
                    let length = (step_end - *filled).min(ZEROS.len() as u64);
                    file.write_at(*filled, &ZEROS[..length as usize])?;
                    *filled += length;
                }
                file.sync().await
            }
            Preparation::Filling { .. } => self.finish(home, number).await,
            Preparation::Ready(_) => Ok(()),
        }
    }

    async fn recycle(&mut self, home: &Home<F>, spare: SegmentFile<F>, number: u64) -> io::Result<()> {
        home.files.rename(&home.path(spare.number), &home.path(number))?;
        // Nothing is written into it while a crash could still bring the old name back.
        home.files.sync_dir(&home.dir).await?;
        self.preparation = Preparation::Ready(Prepared { file: spare.file, is_recycled: true });
        Ok(())
    }

    async fn finish(&mut self, home: &Home<F>, number: u64) -> io::Result<()> {
        home.files.rename(&home.unfinished_path(), &home.path(number))?;
        home.files.sync_dir(&home.dir).await?;
        if let Preparation::Filling { file, .. } = mem::replace(&mut self.preparation, Preparation::NotBegun)
        {
            self.preparation = Preparation::Ready(Prepared { file, is_recycled: false });
        }
        Ok(())
    }
}
