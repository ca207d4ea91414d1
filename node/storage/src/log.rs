//! The Raft log: one ordered stream of votes, entries, truncations, purges and committed hints, in segment files.
//!
//! ```text
//! Log::append -> memory (readable at once) -> queue -> Writer: encode, one write, one sync -> done, in order
//!                                                        |-> watermark: how far the log is surely on the disk
//!                                                        '-> chores: prepare the next segment, recycle purged ones
//! ```
//!
//! - A later record is never durable without the earlier ones: at start the stream ends before the first bad record.
//! - What was reported durable is there after any crash, or `Log::open` says `LostAcknowledged`.
//! - An error from a write or a sync stops the log for good; nothing is tried again.

mod accept;
mod counters;
#[cfg(feature = "simulated")]
mod durable;
mod entry;
mod fields;
mod found;
#[cfg(test)]
mod golden;
mod header;
mod memory;
mod next;
mod open;
mod options;
mod queue;
mod read;
mod record;
mod recover;
mod scan;
mod segment;
mod settle;
mod shared;
mod state;
mod stream;
mod watermark;
mod work;
mod writer;

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Poll, Waker};

pub use accept::ENTRY_BYTES_MAX;
pub use counters::{LogCounters, LogSize};
#[cfg(feature = "simulated")]
pub use durable::DurableLog;
pub use entry::{Entry, LogId, Payload, Vote};
pub use open::{Loss, OpenError};
pub use options::{Clock, LogOptions, SEGMENT_BYTES_DEFAULT, SPARE_SEGMENTS_MAX_DEFAULT, TAIL_BYTES_DEFAULT};
pub use queue::{QUEUE_BYTES_MAX, QUEUE_COUNT_MAX, QUEUE_ROOM_BYTES, QUEUE_ROOM_COUNT};
pub use state::LogState;
pub use work::Done;
pub use writer::Writer;

use crate::files::Files;
use read::read_entries;
use shared::Shared;

/// A handle to the log; clones see the same log. No call waits for the disk, except to read entries that left memory.
pub struct Log<F: Files> {
    handle: Arc<Handle<F>>,
}

/// When the last one is gone, the writer finishes and ends.
struct Handle<F: Files> {
    shared: Arc<Shared<F>>,
}

impl<F: Files> Log<F> {
    fn new(shared: Arc<Shared<F>>) -> Self {
        Self { handle: Arc::new(Handle { shared }) }
    }

    fn shared(&self) -> &Shared<F> {
        &self.handle.shared
    }

    /// Adds entries right after the last one. When this returns they can be read through every handle; `done` is
    /// called after the sync that covers them, in the order of the calls, on the writer's thread. Entries that are
    /// refused change nothing, and `done` is called before this returns.
    pub fn append(&self, entries: Vec<Entry>, done: Done) {
        let accepted = self.shared().lock().append(entries, done);
        match accepted {
            Ok(writer) => writer.into_iter().for_each(Waker::wake),
            Err((done, error)) => done(Err(error)),
        }
    }

    /// Replaces the vote; `done` as for `append`.
    pub fn save_vote(&self, vote: Vote, done: Done) {
        let accepted = self.shared().lock().save_vote(vote, done);
        match accepted {
            Ok(writer) => writer.into_iter().for_each(Waker::wake),
            Err((done, error)) => done(Err(error)),
        }
    }

    /// The vote last saved, durable or not.
    pub fn vote(&self) -> Option<Vote> {
        self.state().vote
    }

    /// Drops every entry after this index; `None` drops all. Not durable by itself, but before whatever comes later.
    pub fn truncate_after(&self, index: Option<u64>) -> io::Result<()> {
        let writer = self.shared().lock().truncate_after(index)?;
        writer.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Drops every entry up to this one, which may be beyond the last: then the log goes on after it.
    /// Files go once the purge is durable.
    pub fn purge(&self, id: LogId) -> io::Result<()> {
        let writer = self.shared().lock().purge(id)?;
        writer.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Remembers how far entries are committed. A hint: it is written along with the next records, after the entries
    /// it names, and never syncs anything.
    pub fn save_committed(&self, committed: Option<LogId>) -> io::Result<()> {
        self.shared().lock().save_committed(committed)
    }

    pub fn committed(&self) -> Option<LogId> {
        self.state().committed
    }

    pub fn state(&self) -> LogState {
        *self.shared().lock().memory.state()
    }

    /// The live entries in `range`, without gaps: those purged or not yet there are absent. With a limit, as many as
    /// have records of so many bytes together, but always the first.
    pub fn entries(&self, range: Range<u64>, byte_limit: Option<u64>) -> io::Result<Vec<Entry>> {
        let found = self.shared().lock().memory.find(range, byte_limit)?;
        if found.stored.is_empty() {
            return Ok(found.recent);
        }
        let mut entries = Vec::with_capacity(found.stored.len() + found.recent.len());
        read_entries(&found.stored, &mut entries)?;
        entries.extend(found.recent);
        Ok(entries)
    }

    /// The id of the live entry at this index, or of the newest purged one.
    pub fn id_at(&self, index: u64) -> Option<LogId> {
        self.shared().lock().memory.id_at(index)
    }

    pub fn size(&self) -> LogSize {
        let inner = self.shared().lock();
        LogSize {
            entries: inner.memory.entries(),
            entry_bytes: inner.memory.entry_bytes(),
            file_bytes: inner.figures.file_bytes,
        }
    }

    pub fn counters(&self) -> LogCounters {
        self.shared().lock().figures.counters
    }

    /// Ready when the queue to the writer has room, or the log takes no more work at all. Whoever feeds the consensus
    /// core (proposals, appends from the leader) waits here first.
    pub async fn room(&self) {
        std::future::poll_fn(|context| {
            let mut inner = self.shared().lock();
            if inner.queue.has_room() {
                return Poll::Ready(());
            }
            inner.queue.wake_feeder_later(context.waker());
            Poll::Pending
        })
        .await;
    }

    /// Takes no more work; the writer writes what waits and ends. The log can still be read.
    pub fn close(&self) {
        self.shared().close();
    }

    /// Waits until the writer has ended, by `close` or by a failure: only then may others write in the folder.
    pub async fn ended(&self) {
        std::future::poll_fn(|context| self.shared().poll_ended(context)).await;
    }
}

impl<F: Files> Clone for Log<F> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle) }
    }
}

impl<F: Files> Drop for Handle<F> {
    fn drop(&mut self) {
        self.shared.close();
    }
}
