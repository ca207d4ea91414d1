//! The rules and their rows as openraft's state machine.

use std::io;
use std::sync::Arc;

use futures_util::{Stream, TryStreamExt as _};
use holdfast_storage::engine::Engine;
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::{OptionalSend, alias::SnapshotOf};

use crate::convert::{from_stored_id, membership_of};
use crate::store::applier::Applier;
use crate::store::fatal;
use crate::store::library::{Library, SnapshotFiles};
use crate::types::{EntryOutcomes, LogId, SnapshotMeta, StoredMembership, Types};

/// A snapshot that openraft passes around.
pub(crate) type SnapshotData = Arc<dyn SnapshotFiles>;

/// openraft's handle to the state.
pub(crate) struct StateStore {
    applier: Applier,
    library: Arc<dyn Library>,
}

impl StateStore {
    pub(crate) fn new(applier: Applier, library: Arc<dyn Library>) -> Self {
        Self { applier, library }
    }
}

impl RaftStateMachine<Types> for StateStore {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let Some(mark) = self.applier.mark().await? else {
            return Ok((None, StoredMembership::default()));
        };
        Ok((Some(from_stored_id(mark.applied)), membership_of(&mark).map_err(fatal)?))
    }

    async fn apply<Strm>(&mut self, entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        // What is there by now is applied in one batch of rows; what comes later, in the next.
        let mut chunks = entries.try_ready_chunks(ENTRIES_AT_ONCE_MAX);
        while let Some(chunk) = chunks.try_next().await.map_err(|error| error.1)? {
            let (entries, responders): (Vec<_>, Vec<_>) = chunk.into_iter().unzip();
            let outcomes = self.applier.apply(entries).await?;
            for (responder, outcomes) in responders.into_iter().zip(outcomes) {
                if let Some(responder) = responder {
                    responder.send(EntryOutcomes(outcomes));
                }
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder { engine: self.library.engine(), library: self.library.clone() }
    }

    async fn install_snapshot(&mut self, _meta: &SnapshotMeta, snapshot: SnapshotData) -> io::Result<()> {
        let engine = self.library.install(snapshot).await?;
        self.applier.replace(engine).await?;
        // Only now has the applier let go of the rows before.
        self.library.remove_retired().await
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf<Types, SnapshotData>>> {
        self.library.latest().map(labelled).transpose()
    }
}

/// Entries whose rows are written in one batch: bounds what an apply call keeps in memory.
const ENTRIES_AT_ONCE_MAX: usize = 64;

/// Takes a snapshot while entries go on being applied.
pub(crate) struct Builder {
    engine: Arc<dyn Engine>,
    library: Arc<dyn Library>,
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<Types, SnapshotData>> {
        labelled(self.library.build(self.engine.clone()).await?)
    }
}

/// A snapshot with the label that its own mark gives it.
pub(crate) fn labelled(snapshot: SnapshotData) -> io::Result<SnapshotOf<Types, SnapshotData>> {
    let mark = &snapshot.manifest().mark;
    let last_membership = membership_of(mark).map_err(fatal)?;
    let meta = SnapshotMeta { last_log_id: Some(from_stored_id(mark.applied)), last_membership };
    Ok(SnapshotOf::<Types, SnapshotData> { meta, snapshot })
}
