//! The segmented log as openraft's log storage.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::Arc;

use futures_util::Stream;
use holdfast_storage::files::Files;
use holdfast_storage::log::Log;
use openraft::OptionalSend;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use tokio::sync::oneshot;

use crate::convert::{
    from_stored_entry, from_stored_id, from_stored_vote, to_stored_entry, to_stored_id, to_stored_vote,
};
use crate::store::fatal;
use crate::types::{Entry, LogId, Types, Vote};

/// Bytes of entries in one append: a few fill a window, and none delays a heartbeat for long.
const APPEND_BYTES_MAX: u64 = 1 << 20;

/// Entries read at once when they are applied; more are read while these are.
const APPLY_BYTES_MAX: u64 = 8 << 20;

/// A handle to the log. Clones see the same log.
pub(crate) struct LogStore<F: Files>(
    pub(crate) Log<F>,
    #[cfg(feature = "simulation")] pub(crate) crate::probe::Durable,
);

/// How far a log was purged: a follower that needs earlier entries gets none of them any more.
#[derive(Clone)]
pub(crate) struct Purged(Arc<dyn Fn() -> Option<u64> + Send + Sync>);

impl Purged {
    fn of<F: Files>(log: Log<F>) -> Self {
        Self(Arc::new(move || log.state().purged.map(|id| id.index)))
    }

    /// Whether the entry at this index is gone.
    pub(crate) fn has(&self, index: u64) -> bool {
        (self.0)().is_some_and(|purged| index <= purged)
    }
}

impl<F: Files> LogStore<F> {
    /// Over a log that was just opened.
    pub(crate) fn over(log: Log<F>) -> Self {
        #[cfg(feature = "simulation")]
        let durable = crate::probe::Durable::found(&log);
        Self(
            log,
            #[cfg(feature = "simulation")]
            durable,
        )
    }

    /// How far the log was purged, now and later.
    pub(crate) fn purged(&self) -> Purged {
        Purged::of(self.0.clone())
    }

    fn read(&self, range: Range<u64>, byte_limit: Option<u64>) -> io::Result<Vec<Entry>> {
        let entries = self.0.entries(range, byte_limit)?;
        entries.into_iter().map(|entry| from_stored_entry(entry).map_err(fatal)).collect()
    }
}

impl<F: Files> Clone for LogStore<F> {
    fn clone(&self) -> Self {
        Self(
            self.0.clone(),
            #[cfg(feature = "simulation")]
            self.1.clone(),
        )
    }
}

impl<F: Files> RaftLogReader<Types> for LogStore<F> {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        self.read(plain(&range), None)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        let entries = self.read(start..end, Some(APPEND_BYTES_MAX))?;
        // The entries that a follower needs next were purged meanwhile: it gets no later ones in their place. Nothing reads as
        // a heartbeat to openraft, and the transport ends the stream, so that openraft decides anew.
        let has_next = entries.first().is_some_and(|first| first.log_id.index == start);
        Ok(if has_next { entries } else { Vec::new() })
    }

    async fn entries_stream<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = io::Result<Entry>> + OptionalSend {
        let Range { start, end } = plain(&range);
        let log = self.clone();
        // Piece by piece: after a restart the range may be the whole log.
        let pieces = futures_util::stream::unfold(start, move |next| {
            let piece = (next < end).then(|| log.read(next..end, Some(APPLY_BYTES_MAX)));
            async move {
                match piece? {
                    Ok(entries) => {
                        let after = entries.last().map_or(end, |entry| entry.log_id.index + 1);
                        Some((entries.into_iter().map(Ok).collect::<Vec<_>>(), after))
                    }
                    Err(error) => Some((vec![Err(error)], end)),
                }
            }
        });
        futures_util::StreamExt::flat_map(pieces, futures_util::stream::iter)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.0.vote().map(from_stored_vote))
    }
}

impl<F: Files> RaftLogStorage<Types> for LogStore<F> {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let state = self.0.state();
        Ok(LogState {
            last_purged_log_id: state.purged.map(from_stored_id),
            last_log_id: state.last.map(from_stored_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.save_vote(to_stored_vote(vote), Box::new(move |result| drop(sender.send(result))));
        receiver.await.map_err(|_| io::Error::other("the log's writer is gone"))?
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.0.save_committed(committed.map(to_stored_id))
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.0.committed().map(from_stored_id))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries =
            entries.into_iter().map(to_stored_entry).collect::<Result<Vec<_>, _>>().map_err(fatal)?;
        #[cfg(feature = "simulation")]
        let (log, durable, last) = (self.0.clone(), self.1.clone(), entries.last().map(|entry| entry.id));
        let done = move |result: io::Result<()>| {
            #[cfg(feature = "simulation")]
            if result.is_ok() {
                durable.reported(&log, last);
            }
            callback.io_completed(result);
        };
        self.0.append(entries, Box::new(done));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let index = last.map(|id| id.index);
        #[cfg(feature = "simulation")]
        self.1.truncated(&self.0, index);
        self.0.truncate_after(index)
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        self.0.purge(to_stored_id(upto))
    }
}

fn plain(range: &impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => end.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    start..end
}

#[cfg(test)]
mod tests {
    use holdfast_storage::log::LogOptions;
    use holdfast_storage::simulated::SimulatedDisk;

    use super::*;
    use crate::types::{LeaderId, Payload};
    use openraft::entry::RaftEntry as _;

    fn id(index: u64) -> LogId {
        LogId::new(LeaderId { term: 1, node_id: 1 }, index)
    }

    #[tokio::test]
    async fn a_follower_whose_next_entries_were_purged_gets_no_later_ones_in_their_place() {
        let (disk, options) = (SimulatedDisk::new(1), LogOptions::default());
        disk.create_dir_all("/state".as_ref()).unwrap();
        let (log, _writer) =
            Log::open(disk, "/log".into(), "/state/synced".into(), 0, options).await.unwrap();
        let mut store = LogStore::over(log);
        let entries = (0..10).map(|index| Entry::new(id(index), Payload::Blank));
        let stored = entries.map(|entry| to_stored_entry(entry).unwrap()).collect();
        store.0.append(stored, Box::new(|_| ()));
        store.purge(id(5)).await.unwrap();

        let purged = store.purged();
        let first = |entries: Vec<Entry>| entries.first().map(|entry| entry.log_id.index);
        assert_eq!(first(store.limited_get_log_entries(6, 10).await.unwrap()), Some(6));
        assert!(!purged.has(6));
        assert_eq!(first(store.limited_get_log_entries(3, 10).await.unwrap()), None);
        assert_eq!(first(store.limited_get_log_entries(3, 5).await.unwrap()), None);
        assert!(purged.has(3) && purged.has(5));
        // Whoever applies them, or looks for what there is, may begin before them.
        assert_eq!(first(store.try_get_log_entries(3..10).await.unwrap()), Some(6));
    }
}
