//! Reads entries that left the in-memory tail back from the segment files.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::entry::{Entry, LogId};
use super::record::read_entry;
use super::segment::SegmentFile;
use crate::files::{File, Files};

/// One read takes neighbours along up to this size; the entries read together share their memory.
const READ_BYTES_MAX: u64 = 1024 * 1024;

pub(super) struct StoredEntry<F: Files> {
    pub(super) id: LogId,
    /// Of the whole record.
    pub(super) bytes: u32,
    pub(super) segment: Arc<SegmentFile<F>>,
    pub(super) offset: u64,
}

impl<F: Files> StoredEntry<F> {
    fn end(&self) -> u64 {
        self.offset + u64::from(self.bytes)
    }

    fn is_followed_by(&self, next: &Self) -> bool {
        self.segment.number == next.segment.number && self.end() == next.offset
    }
}

pub(super) fn read_entries<F: Files>(stored: &[StoredEntry<F>], entries: &mut Vec<Entry>) -> io::Result<()> {
    for neighbours in stored.chunk_by(StoredEntry::is_followed_by) {
        let mut rest = neighbours;
        while let Some(first) = rest.first() {
            let most = rest.partition_point(|entry| entry.end() - first.offset <= READ_BYTES_MAX);
            let (together, later) = rest.split_at(most.max(1));
            read_neighbours(together, entries)?;
            rest = later;
        }
    }
    Ok(())
}

fn read_neighbours<F: Files>(together: &[StoredEntry<F>], entries: &mut Vec<Entry>) -> io::Result<()> {
    let [first, ..] = together else {
        return Ok(());
    };
    let length: usize = together.iter().map(|entry| entry.bytes as usize).sum();
    let mut bytes = vec![0; length];
    first.segment.file.read_exact_at(first.offset, &mut bytes)?;
    let mut bytes = Bytes::from(bytes);
    for stored in together {
        let record = bytes.split_to(stored.bytes as usize);
        let entry = read_entry(&record, stored.segment.number).filter(|entry| entry.id == stored.id);
        entries.push(entry.ok_or_else(|| damaged(stored))?);
    }
    Ok(())
}

fn damaged<F: Files>(stored: &StoredEntry<F>) -> io::Error {
    let (segment, offset) = (stored.segment.number, stored.offset);
    let problem = format!("entry {} is damaged, in segment {segment} at byte {offset}", stored.id);
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(all(test, feature = "simulated"))]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::super::{Log, LogId, LogOptions, Payload};
    use super::*;
    use crate::files::block_on;
    use crate::simulated::SimulatedDisk;

    fn entry(index: u64) -> Entry {
        let payload = Payload::Commands(Bytes::from(vec![index as u8; 300]));
        Entry { id: LogId { term: 1, node: 1, index }, payload }
    }

    #[test]
    fn a_segment_is_not_used_again_while_somebody_reads_from_it() {
        let options = LogOptions { segment_bytes: 512, tail_bytes: 0, ..LogOptions::default() };
        let (disk, dir) = (SimulatedDisk::new(1), "/log".into());
        let (log, writer) = block_on(Log::open(disk, dir, "/log.watermark".into(), 1, options)).unwrap();
        let mut writer = pin!(writer.run());
        let mut write = || {
            let _ = writer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        };
        for index in 0..3 {
            log.append(vec![entry(index)], Box::new(|result| result.unwrap()));
            write();
        }
        let found = log.shared().lock().memory.find(0..2, None).unwrap();
        assert_eq!(found.stored.len(), 2);
        // Enough to use segments again many times over.
        for index in 3..20 {
            log.purge(entry(index - 1).id).unwrap();
            log.append(vec![entry(index)], Box::new(|result| result.unwrap()));
            write();
        }
        assert!(log.counters().segments_recycled > 3);
        let mut entries = Vec::new();
        read_entries(&found.stored, &mut entries).unwrap();
        assert_eq!(entries, [entry(0), entry(1)]);
    }
}
