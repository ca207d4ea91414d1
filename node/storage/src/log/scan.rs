//! Walks over the records of the segments, as far as each follows from the one before.

use std::sync::Arc;

use super::header::{HEADER_BYTES, Header};
use super::memory::Memory;
use super::next::Home;
use super::open::{Loss, OpenError};
use super::record::StoredRecord;
use super::segment::{Position, Segment};
use super::state::Change;
use super::watermark::Mark;
use crate::files::{File, Files};

pub(super) struct Scan<'a, F: Files> {
    home: &'a Home<F>,
    group: u32,
    mark: &'a Mark,
    memory: Memory<F>,
    chain: u32,
    end: Position,
    /// The watermark's position was met, with its chain.
    met_mark: bool,
    bytes: Vec<u8>,
}

impl<'a, F: Files> Scan<'a, F> {
    pub(super) fn new(home: &'a Home<F>, group: u32, mark: &'a Mark, memory: Memory<F>, chain: u32) -> Self {
        Self { home, group, mark, memory, chain, end: Position::START, met_mark: false, bytes: Vec::new() }
    }

    /// Whether this segment begins exactly where the records read so far end.
    pub(super) fn goes_on_with(&self, header: &Header) -> bool {
        header.chain == self.chain && header.state == *self.memory.state()
    }

    /// Takes in the segment's records and returns where they end.
    pub(super) fn read(&mut self, segment: &Segment<F>) -> Result<u64, OpenError> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.resize(segment.length as usize, 0);
        segment.file.file.read_exact_at(0, &mut bytes)?;
        let mut offset = HEADER_BYTES;
        loop {
            self.come_to(Position { segment: segment.number(), offset: offset as u64 });
            let record = StoredRecord::read(&bytes[offset..], segment.number());
            let Some(record) = record.filter(|record| record.predecessor == self.chain) else {
                break;
            };
            self.take_in(&record, segment, offset)?;
            offset += record.length();
        }
        self.bytes = bytes;
        Ok(offset as u64)
    }

    fn come_to(&mut self, position: Position) {
        self.end = position;
        self.met_mark |= self.mark.position == position && self.mark.chain == self.chain;
    }

    fn take_in(
        &mut self,
        record: &StoredRecord<'_>,
        segment: &Segment<F>,
        offset: usize,
    ) -> Result<(), OpenError> {
        if record.group != self.group {
            return Err(OpenError::WrongGroup { expected: self.group, found: record.group });
        }
        match record.change() {
            None => return Err(self.contradiction(segment, offset, "a record of an unknown kind")),
            Some(Change::Entry(id)) if id.index != self.memory.state().next_index() => {
                return Err(self.contradiction(segment, offset, "an entry out of order"));
            }
            Some(Change::Entry(id)) => {
                let file = Arc::clone(&segment.file);
                self.memory.recover(id, record.length() as u32, file, offset as u32);
            }
            Some(change) => self.memory.change(change),
        }
        self.chain = record.crc;
        Ok(())
    }

    /// Its checksum is right, so this is no damage: another version wrote it, or a bug.
    fn contradiction(&self, segment: &Segment<F>, offset: usize, problem: &str) -> OpenError {
        let path = self.home.path(segment.number());
        OpenError::Format { path, problem: format!("{problem} at byte {offset}") }
    }

    /// Everything acknowledged is there, or it says what is not.
    pub(super) fn finish(self) -> Result<(Memory<F>, u32), OpenError> {
        let found = self.memory.state().last;
        if !self.met_mark {
            let Position { segment, offset } = self.end;
            return Err(OpenError::lost(self.mark, found, Loss::Records { segment, offset }));
        }
        if !self.memory.is_complete() {
            return Err(OpenError::lost(self.mark, found, Loss::Segments));
        }
        Ok((self.memory, self.chain))
    }
}
