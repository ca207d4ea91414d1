//! The one stream of records: encodes them, spreads them over segments, syncs them, drops segments that are not needed.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::counters::LogCounters;
use super::header::{HEADER_BYTES, Header};
use super::next::{Home, Next};
use super::record::{Link, Record};
use super::segment::{Position, Segment, SegmentFile, count_disposable};
use super::state::{LogState, index_of};
use super::watermark::Mark;
use crate::files::{File, Files};

/// Memory the encoding buffer keeps between batches: any usual batch fits.
const BUFFER_KEPT_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct Stream<F: Files> {
    home: Home<F>,
    group: u32,
    /// After the last record that was put.
    state: LogState,
    chain: u32,
    /// Live segments, oldest first.
    older: VecDeque<Segment<F>>,
    current: Segment<F>,
    /// Encoded for the current segment and not written yet, from `buffer_at` on.
    buffer: Vec<u8>,
    buffer_at: u64,
    unsynced: Vec<Arc<SegmentFile<F>>>,
    next: Next<F>,
    /// Purged, and to be kept as spares or removed.
    dropped: VecDeque<Segment<F>>,
    counters: LogCounters,
}

/// Where the stream goes on after recovery, or where a new one begins.
pub(super) struct Start<F: Files> {
    pub(super) state: LogState,
    pub(super) chain: u32,
    pub(super) older: VecDeque<Segment<F>>,
    pub(super) current: Segment<F>,
    pub(super) offset: u64,
    /// Older than all that is needed.
    pub(super) dropped: VecDeque<Segment<F>>,
}

impl<F: Files> Stream<F> {
    pub(super) fn new(home: Home<F>, group: u32, spares_max: usize, start: Start<F>) -> Self {
        Self {
            home,
            group,
            state: start.state,
            chain: start.chain,
            older: start.older,
            current: start.current,
            buffer: Vec::new(),
            buffer_at: start.offset,
            unsynced: Vec::new(),
            next: Next::new(spares_max),
            dropped: start.dropped,
            counters: LogCounters::default(),
        }
    }

    /// Adds a record at the end, in the buffer, and tells where it will be.
    pub(super) async fn put(&mut self, record: &Record<'_>) -> io::Result<(Arc<SegmentFile<F>>, u32)> {
        let length = record.length() as u64;
        if self.position().offset + length > self.current.length {
            self.begin_segment(length).await?;
        }
        let offset = self.position().offset;
        let link = Link { segment: self.current.number(), predecessor: self.chain, group: self.group };
        self.chain = record.encode(&mut self.buffer, link);
        self.state.change(record.change());
        self.counters.records += 1;
        Ok((Arc::clone(&self.current.file), offset as u32))
    }

    async fn begin_segment(&mut self, record_length: u64) -> io::Result<()> {
        self.flush()?;
        let number = self.current.number() + 1;
        let prepared = self.next.take(&self.home, number).await?;
        let needed = HEADER_BYTES as u64 + record_length;
        if needed > self.home.segment_bytes {
            prepared.file.set_length(needed)?;
        }
        let segment = Segment {
            file: Arc::new(SegmentFile { number, file: prepared.file }),
            length: needed.max(self.home.segment_bytes),
            last_before: index_of(self.state.last),
        };
        self.older.push_back(std::mem::replace(&mut self.current, segment));
        self.buffer_at = 0;
        Header { number, chain: self.chain, state: self.state }.encode(&mut self.buffer);
        self.counters.segments += 1;
        self.counters.segments_recycled += u64::from(prepared.is_recycled);
        Ok(())
    }

    /// Writes the buffer in one piece.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.current.file.file.write_at(self.buffer_at, &self.buffer)?;
        if self.unsynced.last().is_none_or(|last| last.number != self.current.number()) {
            self.unsynced.push(Arc::clone(&self.current.file));
        }
        self.counters.bytes += self.buffer.len() as u64;
        self.buffer_at += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        Ok(())
    }

    /// Makes everything flushed durable. An error is final.
    pub(super) async fn sync(&mut self) -> io::Result<()> {
        for segment in self.unsynced.drain(..) {
            segment.file.sync().await?;
            self.counters.syncs += 1;
        }
        Ok(())
    }

    /// Everything up to here is durable, given that it was flushed and synced.
    pub(super) fn mark(&self) -> Mark {
        let (last, vote) = (self.state.last, self.state.vote);
        Mark { position: self.position(), chain: self.chain, last, vote }
    }

    /// Where the next record goes, unless it needs a new segment.
    fn position(&self) -> Position {
        Position { segment: self.current.number(), offset: self.buffer_at + self.buffer.len() as u64 }
    }

    pub(super) fn counters(&self) -> LogCounters {
        self.counters
    }

    pub(super) fn file_bytes(&self) -> u64 {
        let segments = self.older.iter().chain(&self.dropped).map(|segment| segment.length).sum::<u64>();
        segments + self.current.length + self.next.count() * self.home.segment_bytes
    }

    /// Lets go of segments without live entries. The purge that made them so is durable.
    pub(super) fn drop_disposable(&mut self) {
        let last_before = self.older.iter().chain([&self.current]).map(|segment| segment.last_before);
        let count = count_disposable(last_before, &self.state);
        self.dropped.extend(self.older.drain(..count));
    }

    pub(super) fn has_chores(&self) -> bool {
        !self.dropped.is_empty() || self.next.has_chores()
    }

    /// One small step of what can wait.
    pub(super) async fn chore(&mut self) -> io::Result<()> {
        match self.dropped.pop_front() {
            Some(segment) => self.recycle_or_remove(segment),
            None => self.next.step_ahead(&self.home, self.current.number() + 1).await,
        }
    }

    fn recycle_or_remove(&mut self, segment: Segment<F>) -> io::Result<()> {
        let number = segment.number();
        let length = segment.length;
        // Somebody may still be reading from it: then its name goes, and the file after the reader.
        let Ok(file) = Arc::try_unwrap(segment.file) else {
            return self.home.remove(number);
        };
        if length != self.home.segment_bytes {
            return self.home.remove(number);
        }
        match self.next.keep(file) {
            Some(_) => self.home.remove(number),
            None => Ok(()),
        }
    }

    /// Chores that cannot wait, so that no append ever waits for all of them at once.
    pub(super) async fn keep_pace(&mut self) -> io::Result<()> {
        if !self.dropped.is_empty() {
            self.chore().await?;
        }
        let used = self.position().offset;
        self.next.keep_pace(&self.home, self.current.number() + 1, used).await
    }
}
