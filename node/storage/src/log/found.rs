//! Founds an empty log, or goes on with a founding that a crash interrupted.

use std::io;

use super::header::{HEADER_BYTES, Header};
use super::next::{Home, Next};
use super::segment::{Position, number_of};
use super::state::LogState;
use super::watermark::{FoundMark, Mark};
use crate::files::{File, Files, create_dir_durably};

const FIRST_SEGMENT: u64 = 1;

/// The watermark comes after this, so a founding that was interrupted has none and is simply begun again.
pub(super) async fn found_log<F: Files>(home: &Home<F>, group: u32) -> io::Result<FoundMark> {
    create_dir_durably(&home.files, &home.dir).await?;
    for path in [home.path(FIRST_SEGMENT), home.unfinished_path()] {
        if home.files.exists(&path)? {
            home.files.remove_file(&path)?;
        }
    }
    let prepared = Next::new(0).take(home, FIRST_SEGMENT).await?;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    Header { number: FIRST_SEGMENT, chain: 0, state: LogState::default() }.encode(&mut header);
    prepared.file.write_at(0, &header)?;
    prepared.file.sync().await?;
    let position = Position { segment: FIRST_SEGMENT, offset: HEADER_BYTES as u64 };
    Ok(FoundMark { sequence: 0, group, mark: Mark { position, chain: 0, last: None, vote: None } })
}

/// Whether no record was ever written here.
pub(super) fn is_unused<F: Files>(home: &Home<F>) -> io::Result<bool> {
    if !home.files.exists(&home.dir)? {
        return Ok(true);
    }
    for number in home.files.list(&home.dir)?.iter().filter_map(|name| number_of(name)) {
        if number != FIRST_SEGMENT || has_records(home)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has_records<F: Files>(home: &Home<F>) -> io::Result<bool> {
    let file = home.files.open(&home.path(FIRST_SEGMENT))?;
    let mut bytes = vec![0; file.length()? as usize];
    file.read_exact_at(0, &mut bytes)?;
    Ok(bytes.iter().skip(HEADER_BYTES).any(|byte| *byte != 0))
}
