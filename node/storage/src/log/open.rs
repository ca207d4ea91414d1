//! Opens a log: finds or founds it, checks it against the watermark, and hands out the handle and the writer.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::info;

use super::Log;
use super::entry::{LogId, Vote};
use super::found::{found_log, is_unused};
use super::memory::Memory;
use super::next::Home;
use super::options::LogOptions;
use super::recover::{Ended, Recovered, recover};
use super::settle::settle;
use super::shared::Shared;
use super::stream::{Start, Stream};
use super::watermark::{FoundMark, Mark, Watermark, read_mark};
use super::writer::Writer;
use crate::files::Files;

/// Why a log cannot be opened. Nothing was changed on the disk, so the operator can still look at it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This node answered for more than its log still holds: it may neither vote nor lead under its id.
    #[error(
        "the log lost what it had acknowledged: {loss}; acknowledged up to entry {}, found up to entry {}; \
         acknowledged vote {}",
        or_none(.acknowledged), or_none(.found), or_none(.vote)
    )]
    LostAcknowledged { acknowledged: Option<LogId>, vote: Option<Vote>, found: Option<LogId>, loss: Loss },

    /// There are or were records, but nothing to tell whether they are all.
    #[error("the log's watermark {} is missing or damaged", .path.display())]
    WatermarkLost { path: PathBuf },

    #[error("the log is of group {found}, not of group {expected}")]
    WrongGroup { expected: u32, found: u32 },

    /// Undamaged, and not of this version.
    #[error("{}: {problem}", .path.display())]
    Format { path: PathBuf, problem: String },

    #[error("the log cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// There is no log folder.
    Folder,
    /// Segments with live entries are missing or unreadable.
    Segments,
    /// The records end here, before the watermark, or are others than it has seen.
    Records { segment: u64, offset: u64 },
}

impl OpenError {
    pub(super) fn lost(mark: &Mark, found: Option<LogId>, loss: Loss) -> Self {
        OpenError::LostAcknowledged { acknowledged: mark.last, vote: mark.vote, found, loss }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Folder => write!(formatter, "its folder is gone"),
            Loss::Segments => write!(formatter, "segments are missing or unreadable"),
            Loss::Records { segment, offset } => {
                write!(formatter, "its records end in segment {segment} at byte {offset}")
            }
        }
    }
}

fn or_none<T: fmt::Display>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), T::to_string)
}

/// What the caller knows of a log before it is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// It may be that there never was one.
    Perhaps,
    /// There was one.
    Certainly,
}

impl<F: Files> Log<F> {
    /// Neither records nor a watermark: a new log. One without the other, or a log shorter than its watermark:
    /// an error. The caller makes sure that nobody else has the log open, and that the watermark's folder is there
    /// unless it is the one above `dir`.
    pub async fn open(
        files: F,
        dir: PathBuf,
        watermark_path: PathBuf,
        group: u32,
        options: LogOptions,
    ) -> Result<(Log<F>, Writer<F>), OpenError> {
        Self::open_after(Before::Perhaps, files, dir, watermark_path, group, options).await
    }

    /// As `open`, for a log that was opened before: without a watermark it is lost, however empty the folder.
    pub async fn reopen(
        files: F,
        dir: PathBuf,
        watermark_path: PathBuf,
        group: u32,
        options: LogOptions,
    ) -> Result<(Log<F>, Writer<F>), OpenError> {
        Self::open_after(Before::Certainly, files, dir, watermark_path, group, options).await
    }

    async fn open_after(
        before: Before,
        files: F,
        dir: PathBuf,
        watermark_path: PathBuf,
        group: u32,
        options: LogOptions,
    ) -> Result<(Log<F>, Writer<F>), OpenError> {
        let home = Home { files, dir, segment_bytes: options.segment_bytes() };
        let found = match read_mark(&home.files, &watermark_path, group)? {
            Some(found) if home.files.exists(&home.dir)? => found,
            Some(found) => return Err(OpenError::lost(&found.mark, None, Loss::Folder)),
            None if before == Before::Perhaps && is_unused(&home)? => found_log(&home, group).await?,
            None => return Err(OpenError::WatermarkLost { path: watermark_path }),
        };
        let mut recovered = recover(&home, group, &found.mark, options.tail_bytes)?;
        settle(&home, &mut recovered, found.mark.position).await?;
        let (start, memory) = resume(recovered, &found.mark)?;
        info!(group, entries = memory.entries(), last = or_none(&start.state.last), "log opened");
        let files = home.files.clone();
        let stream = Stream::new(home, group, options.spare_segments_max, start);
        let durable = FoundMark { sequence: found.sequence, group, mark: stream.mark() };
        let watermark = Watermark::create(&files, &watermark_path, durable, (options.clock)()).await?;
        let shared = Arc::new(Shared::new(memory));
        let writer = Writer::new(Arc::clone(&shared), stream, watermark, options.clock);
        Ok((Log::new(shared), writer))
    }
}

fn resume<F: Files>(recovered: Recovered<F>, mark: &Mark) -> Result<(Start<F>, Memory<F>), OpenError> {
    let Recovered { mut memory, chain, mut live, disposable, .. } = recovered;
    let Some(Ended { segment: current, end: offset }) = live.pop_back() else {
        return Err(OpenError::lost(mark, None, Loss::Segments));
    };
    let older = live.into_iter().map(|ended| ended.segment).collect();
    // The stream's own state stays as the records say: the next recovery compares it with theirs.
    let state = *memory.state();
    memory.clamp_committed();
    Ok((Start { state, chain, older, current, offset, dropped: disposable }, memory))
}
