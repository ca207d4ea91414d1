//! A log as a loss of power would leave it now, read record by record as they come to the disk: what a simulator holds the
//! word of a node against. It shares nothing with the log itself but the meaning of its bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::entry::{LogId, Vote};
use super::header::{HEADER_BYTES, Header, ReadHeader};
use super::record::StoredRecord;
use super::segment::{self, Position};
use super::state::{Change, LogState, index_of};
use crate::simulated::SimulatedDisk;

/// Bytes of a record's length.
const LENGTH_BYTES: usize = 4;

/// What of an open log is surely on its disk. It is read on from where it was left, so it must be asked before segments
/// it has not come to are used again.
#[derive(Debug)]
pub struct DurableLog {
    disk: SimulatedDisk,
    dir: PathBuf,
    /// Syncs that the disk had completed when it was read last.
    settled: Option<u64>,
    /// Where the next record is looked for; `None` until a segment was found.
    at: Option<Position>,
    chain: u32,
    state: LogState,
    ids: BTreeMap<u64, LogId>,
}

impl DurableLog {
    /// Of the log in this folder, which is open.
    pub fn new(disk: SimulatedDisk, dir: PathBuf) -> Self {
        let (state, ids) = (LogState::default(), BTreeMap::new());
        Self { disk, dir, settled: None, at: None, chain: 0, state, ids }
    }

    /// Reads what has come to the disk since the last time.
    pub fn read(&mut self) {
        let settled = Some(self.disk.settled());
        if self.settled == settled {
            return;
        }
        self.settled = settled;
        if self.at.is_none() {
            self.find_first();
        }
        while self.read_record() || self.begin_next() {}
    }

    /// The vote on the disk.
    pub fn vote(&self) -> Option<Vote> {
        self.state.vote
    }

    /// The newest entry on the disk, or the purged one if none is left.
    pub fn last(&self) -> Option<LogId> {
        self.state.last
    }

    /// The entry on the disk at an index, or the newest purged one.
    pub fn id_at(&self, index: u64) -> Option<LogId> {
        let purged = self.state.purged.filter(|purged| purged.index == index);
        self.ids.get(&index).copied().or(purged)
    }

    /// The oldest segment behind which none is missing.
    fn find_first(&mut self) {
        let names = self.disk.durable_names(&self.dir);
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
        numbers.sort_unstable();
        let headers: Vec<Header> = numbers.into_iter().filter_map(|number| self.header(number)).collect();
        let first = headers.chunk_by(|older, newer| older.number + 1 == newer.number).last();
        if let Some(first) = first.and_then(<[Header]>::first) {
            self.begin(*first);
        }
    }

    fn begin_next(&mut self) -> bool {
        let next = self.at.and_then(|at| self.header(at.segment + 1));
        let next = next.filter(|header| header.chain == self.chain);
        next.map(|header| self.begin(header)).is_some()
    }

    fn begin(&mut self, header: Header) {
        self.at = Some(Position { segment: header.number, offset: HEADER_BYTES as u64 });
        (self.chain, self.state) = (header.chain, header.state);
    }

    fn header(&self, number: u64) -> Option<Header> {
        let bytes = self.disk.read_durable(&segment::path(&self.dir, number), 0, HEADER_BYTES)?;
        match ReadHeader::read(bytes.as_slice().try_into().ok()?) {
            ReadHeader::Whole(header) => Some(header).filter(|header| header.number == number),
            ReadHeader::Missing | ReadHeader::UnknownVersion(_) => None,
        }
    }

    fn read_record(&mut self) -> bool {
        let Some(at) = self.at else { return false };
        let path = segment::path(&self.dir, at.segment);
        let read = |length| self.disk.read_durable(&path, at.offset as usize, length);
        let Some(length) = read(LENGTH_BYTES).and_then(|bytes| bytes.try_into().ok()) else { return false };
        let Some(bytes) = read(u32::from_le_bytes(length) as usize) else { return false };
        let record = StoredRecord::read(&bytes, at.segment);
        let Some(record) = record.filter(|record| record.predecessor == self.chain) else { return false };
        let Some(change) = record.change() else { return false };
        self.at = Some(Position { offset: at.offset + record.length() as u64, ..at });
        self.chain = record.crc;
        self.take_in(change);
        true
    }

    fn take_in(&mut self, change: Change) {
        self.state.change(change);
        match change {
            Change::Entry(id) => drop(self.ids.insert(id.index, id)),
            Change::Truncate(last) => drop(self.ids.split_off(&index_of(last).map_or(0, |last| last + 1))),
            Change::Purge(id) => self.ids = self.ids.split_off(&(id.index + 1)),
            Change::Vote(_) | Change::Committed(_) => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use bytes::Bytes;

    use super::super::{Entry, Log, LogOptions, Payload};
    use super::*;
    use crate::files::{Files as _, block_on};
    use crate::simulated::SyncMode;

    fn entry(index: u64) -> Entry {
        let payload = Payload::Commands(Bytes::from(vec![index as u8; 200]));
        Entry { id: LogId { term: 1, node: 1, index }, payload }
    }

    #[test]
    fn only_what_was_synced_is_there_whatever_the_log_says() {
        let disk = SimulatedDisk::new(1);
        let options = LogOptions { segment_bytes: 512, ..LogOptions::default() };
        let opened = Log::open(disk.clone(), "/log".into(), "/log.watermark".into(), 1, options);
        let (log, writer) = block_on(opened).unwrap();
        let mut writer = pin!(writer.run());
        let mut write = || drop(writer.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        let mut durable = DurableLog::new(disk.clone(), "/log".into());
        let mut seen = || {
            durable.read();
            let last = durable.last().map(|last| last.index);
            (last, durable.vote().map(|vote| vote.term), last.and_then(|last| durable.id_at(last)))
        };
        let vote = |term| Vote { term, node: 1, committed: false };

        log.save_vote(vote(1), Box::new(drop));
        log.append(vec![entry(0), entry(1)], Box::new(drop));
        assert_eq!(seen(), (None, None, None));
        write();
        assert_eq!(seen(), (Some(1), Some(1), Some(entry(1).id)));

        disk.set_sync_mode(SyncMode::Held);
        log.save_vote(vote(2), Box::new(drop));
        log.append((2..6).map(entry).collect(), Box::new(drop));
        write();
        assert_eq!(seen(), (Some(1), Some(1), Some(entry(1).id)), "it waits for its sync");
        disk.set_sync_mode(SyncMode::Immediate);
        while disk.complete_sync(0) {
            write();
        }
        assert_eq!(seen(), (Some(5), Some(2), Some(entry(5).id)), "in segments of its own");

        log.truncate_after(Some(3)).unwrap();
        log.purge(entry(2).id).unwrap();
        write();
        assert_eq!(seen(), (Some(3), Some(2), Some(entry(3).id)));
        assert_eq!((durable.id_at(1), durable.id_at(2), durable.id_at(4)), (None, Some(entry(2).id), None));
        let mut again = DurableLog::new(disk.clone(), "/log".into());
        again.read();
        assert_eq!((again.last(), again.vote()), (durable.last(), durable.vote()), "from its beginning");

        // Whatever would be written over it before the next sync may be lost with it.
        let path = segment::path("/log".as_ref(), 1);
        let file = disk.open(&path).unwrap();
        let bytes = |offset| disk.read_durable(&path, offset, 8);
        disk.set_sync_mode(SyncMode::Held);
        assert!(bytes(0).is_some() && bytes(8).is_some());
        crate::files::File::write_at(&file, 4, &[0; 4]).unwrap();
        assert!(bytes(0).is_none() && bytes(8).is_some());
    }
}
