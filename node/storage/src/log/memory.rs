//! What the handles see: where the log stands, where each live entry is, and the newest payloads.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::entry::{Entry, LogId, Payload};
use super::read::StoredEntry;
use super::record::entry_record_bytes;
use super::segment::SegmentFile;
use super::state::{Change, LogState, index_after};
use crate::files::Files;

pub(super) struct Memory<F: Files> {
    state: LogState,
    /// One for each live entry, oldest first; the newest is `state.last`.
    slots: VecDeque<Slot<F>>,
    /// Payloads of the newest entries; every entry that is not yet written is among them.
    tail: VecDeque<Payload>,
    tail_bytes: u64,
    tail_bytes_max: u64,
    entry_bytes: u64,
}

struct Slot<F: Files> {
    term: u64,
    node: u64,
    /// Of the whole record.
    bytes: u32,
    place: Place<F>,
}

enum Place<F: Files> {
    /// The writer has it, in this append.
    Waiting {
        append: u64,
    },
    Written {
        segment: Arc<SegmentFile<F>>,
        offset: u32,
    },
}

/// An entry that the writer has put into a file.
pub(super) struct Placed<F: Files> {
    pub(super) index: u64,
    pub(super) append: u64,
    pub(super) segment: Arc<SegmentFile<F>>,
    pub(super) offset: u32,
}

/// Entries of a range: the older ones must be read from files.
pub(super) struct Found<F: Files> {
    pub(super) stored: Vec<StoredEntry<F>>,
    pub(super) recent: Vec<Entry>,
}

impl<F: Files> Memory<F> {
    pub(super) fn new(state: LogState, tail_bytes_max: u64) -> Self {
        let (slots, tail) = (VecDeque::new(), VecDeque::new());
        Self { state, slots, tail, tail_bytes: 0, tail_bytes_max, entry_bytes: 0 }
    }

    pub(super) fn state(&self) -> &LogState {
        &self.state
    }

    pub(super) fn first_index(&self) -> u64 {
        self.state.next_index() - self.slots.len() as u64
    }

    pub(super) fn entries(&self) -> u64 {
        self.slots.len() as u64
    }

    /// Of the live entries' records.
    pub(super) fn entry_bytes(&self) -> u64 {
        self.entry_bytes
    }

    /// The id of a live entry, or of the purged one.
    pub(super) fn id_at(&self, index: u64) -> Option<LogId> {
        let slot = index.checked_sub(self.first_index()).and_then(|nth| self.slots.get(nth as usize));
        match slot {
            Some(slot) => Some(LogId { term: slot.term, node: slot.node, index }),
            None => self.state.purged.filter(|purged| purged.index == index),
        }
    }

    pub(super) fn append(&mut self, entry: &Entry, append: u64) {
        let bytes = entry_record_bytes(entry) as u32;
        self.push_slot(entry.id, bytes, Place::Waiting { append });
        self.tail.push_back(entry.payload.clone());
        self.tail_bytes += u64::from(bytes);
    }

    /// An entry found in a file at start; its payload stays there.
    pub(super) fn recover(&mut self, id: LogId, bytes: u32, segment: Arc<SegmentFile<F>>, offset: u32) {
        self.push_slot(id, bytes, Place::Written { segment, offset });
    }

    fn push_slot(&mut self, id: LogId, bytes: u32, place: Place<F>) {
        self.slots.push_back(Slot { term: id.term, node: id.node, bytes, place });
        self.entry_bytes += u64::from(bytes);
        self.state.change(Change::Entry(id));
    }

    /// Takes in everything but an entry.
    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::Truncate(last) => self.keep_until(index_after(last)),
            Change::Purge(id) => self.keep_from(id.index.saturating_add(1)),
            Change::Vote(_) | Change::Entry(_) | Change::Committed(_) => (),
        }
        self.state.change(change);
    }

    fn keep_until(&mut self, end: u64) {
        let kept = end.saturating_sub(self.first_index()) as usize;
        while self.slots.len() > kept {
            let bytes = self.slots.pop_back().map_or(0, |slot| u64::from(slot.bytes));
            self.entry_bytes -= bytes;
            if self.tail.pop_back().is_some() {
                self.tail_bytes -= bytes;
            }
        }
    }

    fn keep_from(&mut self, start: u64) {
        while !self.slots.is_empty() && self.first_index() < start {
            let in_tail = self.tail.len() == self.slots.len();
            let bytes = self.slots.pop_front().map_or(0, |slot| u64::from(slot.bytes));
            self.entry_bytes -= bytes;
            if in_tail {
                self.tail.pop_front();
                self.tail_bytes -= bytes;
            }
        }
    }

    pub(super) fn place(&mut self, placed: Placed<F>) {
        let first = self.first_index();
        let slot = placed.index.checked_sub(first).and_then(|nth| self.slots.get_mut(nth as usize));
        // Meanwhile the entry may have been purged, or truncated and another appended at its index.
        if let Some(slot) = slot
            && matches!(slot.place, Place::Waiting { append } if append == placed.append)
        {
            slot.place = Place::Written { segment: placed.segment, offset: placed.offset };
        }
    }

    /// Forgets the oldest payloads beyond the limit, but none that cannot be read back.
    pub(super) fn evict(&mut self) {
        while self.tail_bytes > self.tail_bytes_max {
            let oldest = &self.slots[self.slots.len() - self.tail.len()];
            match oldest.place {
                Place::Waiting { .. } => return,
                Place::Written { .. } => {
                    self.tail.pop_front();
                    self.tail_bytes -= u64::from(oldest.bytes);
                }
            }
        }
    }

    /// Live entries in `range`; from the second on they must fit in `byte_limit`.
    pub(super) fn find(&self, range: Range<u64>, byte_limit: Option<u64>) -> io::Result<Found<F>> {
        let first = self.first_index();
        let tail_start = self.state.next_index() - self.tail.len() as u64;
        let mut found = Found { stored: Vec::new(), recent: Vec::new() };
        let mut bytes = 0;
        let start = range.start.max(first);
        for index in start..range.end.min(self.state.next_index()) {
            let slot = &self.slots[(index - first) as usize];
            bytes += u64::from(slot.bytes);
            if index > start && byte_limit.is_some_and(|limit| bytes > limit) {
                break;
            }
            let id = LogId { term: slot.term, node: slot.node, index };
            match (&slot.place, index.checked_sub(tail_start)) {
                (_, Some(nth)) => {
                    found.recent.push(Entry { id, payload: self.tail[nth as usize].clone() });
                }
                (Place::Written { segment, offset }, None) => {
                    let (segment, offset) = (Arc::clone(segment), u64::from(*offset));
                    found.stored.push(StoredEntry { id, bytes: slot.bytes, segment, offset });
                }
                (Place::Waiting { .. }, None) => {
                    return Err(io::Error::other(format!("entry {id} is neither in memory nor written")));
                }
            }
        }
        Ok(found)
    }

    /// A hint beyond the end would name entries that cannot be read.
    pub(super) fn clamp_committed(&mut self) {
        self.state.committed = self.state.committed.min(self.state.last);
    }

    /// Every entry after the purged one is here.
    pub(super) fn is_complete(&self) -> bool {
        self.first_index() <= index_after(self.state.purged)
    }
}
