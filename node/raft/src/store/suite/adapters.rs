//! What the suite does that no cluster does, put in the words of one. Where ours is stricter it stays so.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use holdfast_storage::files::Files;
use holdfast_storage::snapshots::Manifest;
use openraft::OptionalSend;
use openraft::alias::SnapshotOf;
use openraft::storage::{
    EntryResponder, IOFlushed, LogState, RaftLogStorage, RaftSnapshotBuilder, RaftStateMachine,
};

use crate::store::state::{Builder, SnapshotData};
use crate::store::{Library, LogStore, SnapshotFiles, StateStore};
use crate::types::{Entry, LogId, SnapshotMeta, StoredMembership, Types, Vote};

/// Some tests begin an empty log in its middle. Ours refuses gaps, so what lies before is purged first.
pub(super) struct LogFromAnyIndex<F: Files>(pub(super) LogStore<F>);

impl<F: Files> LogFromAnyIndex<F> {
    async fn purge_before(&mut self, first: LogId) -> io::Result<()> {
        match first.index.checked_sub(1) {
            Some(before) if self.0.get_log_state().await?.last_log_id.is_none() => {
                self.0.purge(LogId::new(first.leader_id, before)).await
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl<F: Files> RaftLogStorage<Types> for LogFromAnyIndex<F> {
    type LogReader = LogStore<F>;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        self.0.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> LogStore<F> {
        self.0.get_log_reader().await
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.0.save_vote(vote).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.0.save_committed(committed).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        self.0.read_committed().await
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        if let Some(first) = entries.first() {
            self.purge_before(first.log_id).await?;
        }
        self.0.append(entries, callback).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.0.truncate_after(last).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        self.0.purge(upto).await
    }
}

/// One test hands the snapshot of one node to another as it is. Ours come piece by piece, and are kept before they
/// are installed.
pub(super) struct StateOverTheWire {
    pub(super) state: StateStore,
    pub(super) library: Arc<dyn Library>,
}

/// Small, so that files are sent in many pieces.
const PIECE_BYTES: usize = 7;

impl StateOverTheWire {
    async fn receive(&self, sent: SnapshotData) -> io::Result<SnapshotData> {
        let mut receiver = self.library.receive(sent.manifest().clone())?;
        for (number, file) in sent.manifest().files.iter().enumerate() {
            let (mut offset, mut checksum) = (0, 0);
            while offset < file.length {
                let bytes = sent.read(number, offset, PIECE_BYTES)?;
                checksum = crc32c::crc32c_append(checksum, &bytes);
                receiver.piece(number, offset, &bytes)?;
                offset += bytes.len() as u64;
            }
            receiver.end_file(number, checksum).await?;
        }
        receiver.keep().await
    }
}

impl RaftStateMachine<Types> for StateOverTheWire {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = AnyBuilder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        self.state.applied_state().await
    }

    async fn apply<Strm>(&mut self, entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        self.state.apply(entries).await
    }

    async fn get_snapshot_builder(&mut self) -> AnyBuilder {
        match self.applied_state().await {
            Ok((None, _)) => AnyBuilder::OfNothing,
            Ok((Some(_), _)) | Err(_) => AnyBuilder::Ours(self.state.get_snapshot_builder().await),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: SnapshotData) -> io::Result<()> {
        let received = self.receive(snapshot).await?;
        self.state.install_snapshot(meta, received).await
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf<Types, SnapshotData>>> {
        self.state.get_current_snapshot().await
    }
}

/// One test purges a log of which nothing was applied, and starts on it. A node of ours would have lost its state, and
/// refuses; the suite gets a snapshot of nothing, of which it only looks at the label.
pub(super) enum AnyBuilder {
    Ours(Builder),
    OfNothing,
}

impl RaftSnapshotBuilder<Types> for AnyBuilder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<Types, SnapshotData>> {
        match self {
            Self::Ours(builder) => builder.build_snapshot().await,
            Self::OfNothing => {
                let (meta, snapshot) = (SnapshotMeta::default(), Arc::new(Nothing) as SnapshotData);
                Ok(SnapshotOf::<Types, SnapshotData> { meta, snapshot })
            }
        }
    }
}

struct Nothing;

impl SnapshotFiles for Nothing {
    fn manifest(&self) -> &Manifest {
        unreachable!("nobody sends a snapshot of nothing")
    }

    fn rows(&self) -> PathBuf {
        unreachable!("nobody installs a snapshot of nothing")
    }

    fn read(&self, _: usize, _: u64, _: usize) -> io::Result<Bytes> {
        Ok(Bytes::new())
    }
}
