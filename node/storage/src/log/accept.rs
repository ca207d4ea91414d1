//! What each call changes at once, in memory, and what it leaves to the writer. A call that is refused changes nothing.

use std::io;
use std::task::Waker;

use super::entry::{Entry, LogId, Vote};
use super::record::entry_record_bytes;
use super::shared::Inner;
use super::state::{Change, index_of};
use super::work::{Done, Work, bytes_of};
use crate::files::Files;

/// Far above any batch of commands; a record's length must fit in four bytes, and a segment in memory at start.
pub const ENTRY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// To be woken once the lock is released.
type Accepted = Option<Waker>;

impl<F: Files> Inner<F> {
    pub(super) fn append(&mut self, entries: Vec<Entry>, done: Done) -> Result<Accepted, (Done, io::Error)> {
        if let Err(error) = self.check_entries(&entries).and_then(|()| self.queue.admit(bytes_of(&entries))) {
            return Err((done, error));
        }
        self.appends += 1;
        for entry in &entries {
            self.memory.append(entry, self.appends);
        }
        self.memory.evict();
        Ok(self.queue.push(Work::Append { append: self.appends, entries, done }))
    }

    fn check_entries(&self, entries: &[Entry]) -> io::Result<()> {
        for (index, entry) in (self.memory.state().next_index()..).zip(entries) {
            if entry.id.index != index {
                return Err(invalid(format!("entry {} does not follow, {index} does", entry.id)));
            }
            if entry_record_bytes(entry) > ENTRY_BYTES_MAX {
                return Err(invalid(format!("entry {} is too long", entry.id)));
            }
        }
        Ok(())
    }

    pub(super) fn save_vote(&mut self, vote: Vote, done: Done) -> Result<Accepted, (Done, io::Error)> {
        if let Err(error) = self.queue.admit(0) {
            return Err((done, error));
        }
        self.memory.change(Change::Vote(vote));
        Ok(self.queue.push(Work::Vote { vote, done }))
    }

    pub(super) fn truncate_after(&mut self, index: Option<u64>) -> io::Result<Accepted> {
        let state = *self.memory.state();
        let index = index.or(index_of(state.purged));
        if index >= index_of(state.last) {
            self.queue.check_open()?;
            return Ok(None);
        }
        let last = index.map(|index| self.memory.id_at(index).ok_or_else(|| is_purged(index))).transpose()?;
        self.queue.admit(0)?;
        self.memory.change(Change::Truncate(last));
        Ok(self.queue.push(Work::Truncate(last)))
    }

    pub(super) fn purge(&mut self, id: LogId) -> io::Result<Accepted> {
        let state = *self.memory.state();
        if Some(id.index) <= index_of(state.purged) {
            self.queue.check_open()?;
            return Ok(None);
        }
        if let Some(here) = self.memory.id_at(id.index).filter(|here| *here != id) {
            return Err(invalid(format!("entry {id} cannot be purged: {here} is in its place")));
        }
        self.queue.admit(0)?;
        self.memory.change(Change::Purge(id));
        Ok(self.queue.push(Work::Purge(id)))
    }

    pub(super) fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.queue.check_open()?;
        self.memory.change(Change::Committed(committed));
        self.queue.hint(committed);
        Ok(())
    }
}

fn is_purged(index: u64) -> io::Error {
    invalid(format!("the log cannot be truncated after entry {index}: it is purged"))
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}
