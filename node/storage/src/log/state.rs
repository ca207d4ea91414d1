//! Where a log stands, and how one record changes that; handles, writer and recovery share these lines.

use super::entry::{LogId, Vote};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogState {
    /// The newest entry that was purged; everything up to it is gone.
    pub purged: Option<LogId>,
    /// The newest entry, or the purged one if none is left.
    pub last: Option<LogId>,
    pub vote: Option<Vote>,
    /// A hint, perhaps behind the truth.
    pub committed: Option<LogId>,
}

/// A record without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Vote(Vote),
    Entry(LogId),
    /// What is last from now on.
    Truncate(Option<LogId>),
    Purge(LogId),
    Committed(Option<LogId>),
}

impl LogState {
    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::Vote(vote) => self.vote = Some(vote),
            Change::Entry(id) => self.last = Some(id),
            Change::Truncate(last) => self.last = last,
            Change::Purge(id) => {
                self.purged = Some(id);
                if index_of(self.last) < Some(id.index) {
                    self.last = Some(id);
                }
            }
            Change::Committed(committed) => self.committed = committed,
        }
    }

    pub(super) fn next_index(&self) -> u64 {
        index_after(self.last)
    }
}

pub(super) fn index_of(id: Option<LogId>) -> Option<u64> {
    id.map(|id| id.index)
}

/// The first index is 0.
pub(super) fn index_after(id: Option<LogId>) -> u64 {
    id.map_or(0, |id| id.index.saturating_add(1))
}
