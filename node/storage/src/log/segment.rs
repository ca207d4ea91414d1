//! Segment files: their names, their handles, and which of them are still needed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::state::{LogState, index_of};
use crate::files::Files;

/// A segment that is being filled with zeros has no number yet.
pub(super) const UNFINISHED_NAME: &str = "next.tmp";

const SUFFIX: &str = ".log";
/// Enough for every number, so that names sort like numbers.
const NAME_DIGITS: usize = 20;

/// A segment's file. Whoever reads from it holds it, so it is not used again under the reader.
pub(super) struct SegmentFile<F: Files> {
    pub(super) number: u64,
    pub(super) file: F::File,
}

/// A segment of the live log.
pub(super) struct Segment<F: Files> {
    pub(super) file: Arc<SegmentFile<F>>,
    pub(super) length: u64,
    /// The index of the last entry before this segment.
    pub(super) last_before: Option<u64>,
}

impl<F: Files> Segment<F> {
    pub(super) fn number(&self) -> u64 {
        self.file.number
    }
}

/// A place in the stream of records: everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

impl Position {
    pub(super) const START: Position = Position { segment: 0, offset: 0 };
}

pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:0NAME_DIGITS$}{SUFFIX}"))
}

pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX).filter(|digits| digits.len() == NAME_DIGITS)?;
    digits.parse().ok()
}

/// How many of the oldest segments hold nothing live, given the last index before each.
pub(super) fn count_disposable(last_before: impl Iterator<Item = Option<u64>>, state: &LogState) -> usize {
    // Live entries come after the purged one, so they are in the newest segment that began at or before it, or later.
    let begun = last_before.enumerate().filter(|(_, last)| *last <= index_of(state.purged));
    begun.last().map_or(0, |(nth, _)| nth)
}

#[cfg(test)]
mod tests {
    use super::super::entry::LogId;
    use super::*;

    #[test]
    fn a_segment_is_named_after_its_number() {
        let name = path(Path::new("log"), 7);
        assert_eq!(name, Path::new("log/00000000000000000007.log"));
        assert_eq!(number_of("00000000000000000007.log"), Some(7));
        assert_eq!(number_of("18446744073709551615.log"), Some(u64::MAX));
        for other in [UNFINISHED_NAME, "7.log", "0000000000000000007x.log", ".log", ""] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }

    #[test]
    fn segments_are_disposable_when_a_later_one_begins_at_the_purged_entry() {
        let count = |last_before: &[Option<u64>], purged: Option<u64>| {
            let purged = purged.map(|index| LogId { term: 1, node: 1, index });
            count_disposable(last_before.iter().copied(), &LogState { purged, ..LogState::default() })
        };
        assert_eq!(count(&[None], None), 0);
        assert_eq!(count(&[None, Some(4), Some(9)], None), 0);
        assert_eq!(count(&[None, Some(4), Some(9)], Some(3)), 0);
        assert_eq!(count(&[None, Some(4), Some(9)], Some(4)), 1);
        assert_eq!(count(&[None, Some(4), Some(9)], Some(100)), 2);
        // Truncated to 3 meanwhile: what came before segment two is purged all the same.
        assert_eq!(count(&[None, Some(9), Some(3)], Some(4)), 2);
        // Two segments of votes only.
        assert_eq!(count(&[None, None, Some(2)], None), 1);
    }
}
