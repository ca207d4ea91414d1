//! Makes what recovery found durable, and what it left out impossible to find later.

use std::io;

use super::next::Home;
use super::recover::{Ended, Recovered};
use super::segment::Position;
use crate::files::{File, Files};

/// Files are gone over in pieces of this size.
const PIECE_BYTES: u64 = 1024 * 1024;

/// `synced` is how far the log is known to be durable.
pub(super) async fn settle<F: Files>(
    home: &Home<F>,
    recovered: &mut Recovered<F>,
    synced: Position,
) -> io::Result<()> {
    // Removed, not used again: they may hold whole records under the numbers that the next segments will have.
    for number in recovered.beyond.drain(..) {
        home.remove(number)?;
    }
    if home.files.exists(&home.unfinished_path())? {
        home.files.remove_file(&home.unfinished_path())?;
    }
    home.files.sync_dir(&home.dir).await?;
    if let Some(current) = recovered.live.back() {
        clear_rest(current)?;
    }
    for ended in recovered.live.iter().filter(|ended| ended.segment.number() >= synced.segment) {
        let start = if ended.segment.number() == synced.segment { synced.offset } else { 0 };
        rewrite(ended, start)?;
        ended.segment.file.file.sync().await?;
    }
    Ok(())
}

/// After a failed sync, or a kill before one, the bytes may be in the system's cache only, and it may believe them to be
/// on the disk. Writing them again makes the next sync put them there.
fn rewrite<F: Files>(ended: &Ended<F>, start: u64) -> io::Result<()> {
    let file = &ended.segment.file.file;
    let mut bytes = Vec::new();
    for (offset, length) in pieces(start, ended.end) {
        bytes.resize(length, 0);
        file.read_exact_at(offset, &mut bytes)?;
        file.write_at(offset, &bytes)?;
    }
    Ok(())
}

/// What follows the last record, such as a torn one, must not look like records once new ones are written before it.
fn clear_rest<F: Files>(ended: &Ended<F>) -> io::Result<()> {
    let file = &ended.segment.file.file;
    let mut bytes = Vec::new();
    for (offset, length) in pieces(ended.end, ended.segment.length) {
        bytes.resize(length, 0);
        file.read_exact_at(offset, &mut bytes)?;
        if bytes.iter().any(|byte| *byte != 0) {
            bytes.fill(0);
            file.write_at(offset, &bytes)?;
        }
    }
    Ok(())
}

fn pieces(start: u64, end: u64) -> impl Iterator<Item = (u64, usize)> {
    let piece = move |offset: u64| (offset, (end - offset).min(PIECE_BYTES) as usize);
    (start..end).step_by(PIECE_BYTES as usize).map(piece)
}
