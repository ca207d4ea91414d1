//! Work on its way from the handles to the writer, in the order of the calls.

use std::io;
use std::mem;
use std::task::Waker;

use super::entry::LogId;
use super::work::{Batch, Failure, Work};

/// With this much on its way, `Log::room` makes those who feed the consensus core wait. A disk that keeps up has
/// a few milliseconds' worth here; waiting in front of the core costs nobody a heartbeat.
pub const QUEUE_ROOM_BYTES: u64 = 32 * 1024 * 1024;
pub const QUEUE_ROOM_COUNT: usize = 4 * 1024;

/// Beyond this the log refuses everything, for good. The core can neither be refused one append nor wait in one,
/// so its feeders wait in `Log::room` and stay far below. Past it no disk can help and memory is next to go: then one
/// stopped node is the safe answer.
pub const QUEUE_BYTES_MAX: u64 = 512 * 1024 * 1024;
pub const QUEUE_COUNT_MAX: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub(super) enum Standing {
    Open,
    /// No more work comes; what waits is still written.
    Closed,
    Failed(Failure),
}

pub(super) struct Queue {
    waiting: Batch,
    /// Waiting, or with the writer.
    bytes: u64,
    count: usize,
    standing: Standing,
    writer: Option<Waker>,
    feeders: Vec<Waker>,
}

impl Queue {
    pub(super) fn new() -> Self {
        let standing = Standing::Open;
        Self { waiting: Batch::default(), bytes: 0, count: 0, standing, writer: None, feeders: Vec::new() }
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(super) fn check_open(&self) -> io::Result<()> {
        match &self.standing {
            Standing::Open => Ok(()),
            Standing::Closed => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the log is closed")),
            Standing::Failed(failure) => Err(failure.error()),
        }
    }

    /// May work of this size be pushed?
    pub(super) fn admit(&mut self, bytes: u64) -> io::Result<()> {
        self.check_open()?;
        let is_full = self.count > 0 && self.bytes + bytes > QUEUE_BYTES_MAX;
        if is_full || self.count >= QUEUE_COUNT_MAX {
            self.standing = Standing::Failed(Failure::queue_full());
        }
        self.check_open()
    }

    /// Wake what is returned once the lock is released.
    pub(super) fn push(&mut self, work: Work) -> Option<Waker> {
        self.bytes += work.bytes();
        self.count += 1;
        self.waiting.works.push(work);
        self.writer.take()
    }

    /// Only the newest hint counts; it rides along with the next batch.
    pub(super) fn hint(&mut self, committed: Option<LogId>) {
        self.waiting.committed = Some(committed);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.works.is_empty()
    }

    /// Takes what waits and leaves the empty vector in its place.
    pub(super) fn take(&mut self, works: Vec<Work>) -> Batch {
        mem::replace(&mut self.waiting, Batch { works, committed: None })
    }

    /// This much work is done. Wake what is returned.
    pub(super) fn release(&mut self, bytes: u64, count: usize) -> Vec<Waker> {
        self.bytes -= bytes;
        self.count -= count;
        if self.has_room() { mem::take(&mut self.feeders) } else { Vec::new() }
    }

    pub(super) fn close(&mut self) -> Option<Waker> {
        if matches!(self.standing, Standing::Open) {
            self.standing = Standing::Closed;
        }
        self.writer.take()
    }

    /// The first failure stays. Wake what is returned.
    pub(super) fn fail(&mut self, failure: Failure) -> Vec<Waker> {
        match self.standing {
            Standing::Open | Standing::Closed => self.standing = Standing::Failed(failure),
            Standing::Failed(_) => (),
        }
        mem::take(&mut self.feeders)
    }

    pub(super) fn wake_writer_later(&mut self, waker: &Waker) {
        self.writer = Some(waker.clone());
    }

    /// A log that takes no more work has room: it refuses at once.
    pub(super) fn has_room(&self) -> bool {
        let is_below = self.bytes < QUEUE_ROOM_BYTES && self.count < QUEUE_ROOM_COUNT;
        is_below || !matches!(self.standing, Standing::Open)
    }

    pub(super) fn wake_feeder_later(&mut self, waker: &Waker) {
        if !self.feeders.iter().any(|feeder| feeder.will_wake(waker)) {
            self.feeders.push(waker.clone());
        }
    }
}
