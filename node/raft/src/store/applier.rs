//! Applies committed entries: decodes them, runs the rules, writes the rows, and tells whoever waits. It has a thread of
//! its own, so that bookings never hold up heartbeats.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_reservations::{Applied, Outcome, State, Timestamp, next_due};
use holdfast_storage::codec;
use holdfast_storage::engine::Engine;
use holdfast_storage::mark::Mark;
use holdfast_storage::rows::EngineRows;
use openraft::EntryPayload;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::convert::{encode_membership, to_stored_id};
use crate::proposals::Waiting;
use crate::runtime::{Placement, spawn};
use crate::store::fatal;
use crate::types::{Commands, Entry};

/// Apply calls that may wait; openraft makes one at a time.
const JOBS_MAX: usize = 4;

/// How far the state has come. Published after the rows of an apply call are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// The last applied log index; `None` before the first.
    pub(crate) applied: Option<u64>,
    /// The agreed time.
    pub(crate) now: Timestamp,
    /// When `now` was applied here.
    pub(crate) applied_at: Instant,
    /// When the next thing is due.
    pub(crate) due_at: Option<Timestamp>,
}

/// Is told what the state has gone through.
pub trait Observer: Send + Sync {
    /// The requests of an entry were applied.
    fn applied(&self, applied: &[Applied]);
    /// The whole state was replaced by a snapshot.
    fn replaced(&self);
    /// A tick has worked something off: so long did it take until its rows were written, with whatever was applied
    /// together with it. Whatever comes behind it has waited as long.
    fn worked_off(&self, _took: Duration) {}
}

/// A handle to the applier.
#[derive(Clone)]
pub(crate) struct Applier {
    jobs: mpsc::Sender<Job>,
}

/// What an applier needs.
pub(crate) struct ApplierParts {
    pub(crate) group: u32,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) rows_cached: usize,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) observer: Arc<dyn Observer>,
}

enum Job {
    Apply(Vec<Entry>, oneshot::Sender<io::Result<Vec<Arc<[Applied]>>>>),
    Replace(Arc<dyn Engine>, oneshot::Sender<io::Result<()>>),
    Mark(oneshot::Sender<io::Result<Option<Mark>>>),
}

impl Applier {
    /// Starts an applier.
    pub(crate) fn start(parts: ApplierParts, placement: Placement) -> io::Result<Self> {
        let (jobs, mut queue) = mpsc::channel(JOBS_MAX);
        let mut worker = Worker::new(parts);
        worker.publish();
        match placement {
            Placement::Tasks => drop(spawn(async move {
                while let Some(job) = queue.recv().await {
                    worker.handle(job);
                }
            })),
            Placement::OwnThreads => {
                drop(std::thread::Builder::new().name("apply".to_owned()).spawn(move || {
                    while let Some(job) = queue.blocking_recv() {
                        worker.handle(job);
                    }
                })?)
            }
        }
        Ok(Self { jobs })
    }

    /// Applies entries; what became of the requests of each.
    pub(crate) async fn apply(&self, entries: Vec<Entry>) -> io::Result<Vec<Arc<[Applied]>>> {
        self.ask(|reply| Job::Apply(entries, reply)).await
    }

    /// Goes on over another store: a snapshot was installed.
    pub(crate) async fn replace(&self, engine: Arc<dyn Engine>) -> io::Result<()> {
        self.ask(|reply| Job::Replace(engine, reply)).await
    }

    /// How far the rows have come.
    pub(crate) async fn mark(&self) -> io::Result<Option<Mark>> {
        self.ask(Job::Mark).await
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<io::Result<T>>) -> Job) -> io::Result<T> {
        let gone = || io::Error::other("the applier is gone");
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

struct Worker {
    parts: ApplierParts,
    state: State<EngineRows>,
    mark: Option<Mark>,
    due_at: Option<Timestamp>,
}

impl Worker {
    fn new(parts: ApplierParts) -> Self {
        let rows = EngineRows::over(parts.engine.clone(), parts.rows_cached);
        // A store whose mark cannot be read says so at the first job.
        let mark = rows.mark().ok().flatten();
        let state = State::over(rows);
        let due_at = next_due(state.rows()).map(|due| due.at);
        Self { parts, state, mark, due_at }
    }

    fn handle(&mut self, job: Job) {
        match job {
            Job::Apply(entries, reply) => drop(reply.send(self.apply(entries))),
            Job::Replace(engine, reply) => drop(reply.send(self.replace(engine))),
            Job::Mark(reply) => drop(reply.send(self.state.rows().mark().map_err(fatal))),
        }
    }

    fn apply(&mut self, entries: Vec<Entry>) -> io::Result<Vec<Arc<[Applied]>>> {
        let started_at = Instant::now();
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut identities = Vec::new();
        for entry in entries {
            outcomes.push(self.apply_entry(entry, &mut identities)?);
        }
        let Some(mark) = &self.mark else { return Ok(outcomes) };
        let written = self.state.rows_mut().commit(mark).map_err(fatal)?;
        if written.due_changed {
            self.due_at = next_due(self.state.rows()).map(|due| due.at);
        }
        let took = started_at.elapsed();

        // Only now, when every reader of this node sees the rows, does anybody hear of them.
        self.publish();
        for outcomes in &outcomes {
            self.parts.observer.applied(outcomes);
        }
        let applied = outcomes.iter().flat_map(|outcomes: &Arc<[Applied]>| outcomes.iter());
        if applied.clone().any(|applied| matches!(applied.outcome, Outcome::Ticked { handled: 1.., .. })) {
            self.parts.observer.worked_off(took);
        }
        self.parts.waiting.resolve(identities.iter().zip(applied));
        Ok(outcomes)
    }

    fn apply_entry(
        &mut self,
        entry: Entry,
        identities: &mut Vec<Option<crate::proposals::Identity>>,
    ) -> io::Result<Arc<[Applied]>> {
        let applied = to_stored_id(entry.log_id);
        let (membership_id, membership) = match (&entry.payload, self.mark.take()) {
            (EntryPayload::Membership(membership), _) => {
                (Some(applied), encode_membership(membership).map_err(fatal)?)
            }
            (EntryPayload::Blank | EntryPayload::Normal(_), Some(mark)) => {
                (mark.membership_id, mark.membership)
            }
            (EntryPayload::Blank | EntryPayload::Normal(_), None) => (None, Bytes::new()),
        };
        self.mark = Some(Mark { group: self.parts.group, applied, membership_id, membership });
        let EntryPayload::Normal(Commands(bytes)) = entry.payload else { return Ok(Arc::default()) };
        // Whoever proposed the entry could read it. If we cannot, our disk lies or our version is too old.
        let entry = codec::decode_entry(&bytes).map_err(fatal)?;
        let outcomes = self.state.apply(applied.index, &entry);
        identities.extend(entry.requests.iter().map(crate::proposals::Identity::of));
        Ok(outcomes.into())
    }

    fn replace(&mut self, engine: Arc<dyn Engine>) -> io::Result<()> {
        let rows = EngineRows::over(engine, self.parts.rows_cached);
        self.mark = rows.mark().map_err(fatal)?;
        self.state = State::over(rows);
        self.due_at = next_due(self.state.rows()).map(|due| due.at);
        self.publish();
        // What the snapshot skipped may have been somebody's command; only a retry can tell.
        self.parts.waiting.forget_all();
        self.parts.observer.replaced();
        Ok(())
    }

    fn publish(&mut self) {
        let applied = self.mark.as_ref().map(|mark| mark.applied.index);
        let (now, due_at) = (self.state.now(), self.due_at);
        self.parts.progress.send_replace(Progress { applied, now, applied_at: Instant::now(), due_at });
    }
}
