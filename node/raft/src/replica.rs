//! This node's replica: propose a command, read agreed state, see the cluster. The rest of Holdfast knows agreement
//! only by this.

mod change_key;
mod keys;
mod members;
mod propose;
mod read;
mod status;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_reservations::Timestamp;
use holdfast_storage::identity::Membership as NodeIdentity;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::agreed_time::AgreedTime;
use crate::freshness::Freshness;
use crate::members::Members;
use crate::own_key::{KeyRing, OwnKey};
use crate::peers::Peers;
use crate::proposals::{HandOver, Proposer, Waiting};
use crate::pulse::Table;
use crate::reads::ReadIndex;
use crate::removal::Removed;
use crate::roster::Roster;
use crate::runtime::spawn;
use crate::store::{Library, Progress};
use crate::types::{Membership, Raft};
use crate::watch::Leadership;

pub use change_key::ChangeKeyError;
pub use keys::KeyInMembership;
pub use read::{Consistency, Read};
pub use status::{ClusterStatus, NodeStatus};

/// First and longest pause before something is tried again.
const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// How often a node asks whether it could serve, and so how old its state may seem when nobody else asks.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// A node that cannot catch up in this time could not serve.
const PROBE_DURATION_MAX: Duration = Duration::from_secs(1);

/// A node that trails the leader by more entries does not call itself ready.
const READY_LAG_MAX: u64 = 2_000;

/// A node whose last probe succeeded longer ago is not ready, and a leader that was confirmed longer ago is none.
const READY_DURATION_MAX: Duration = Duration::from_secs(3);

/// A disk that does not end the log in this time has stalled.
const END_DURATION_MAX: Duration = Duration::from_secs(5);

/// Closes the log, and ends when nothing writes in its folder any more.
pub(crate) type EndLog = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

pub(crate) struct ReplicaParts {
    pub(crate) own: NodeIdentity,
    pub(crate) raft: Raft,
    pub(crate) peers: Arc<Peers>,
    pub(crate) members: Arc<Members>,
    pub(crate) removed: watch::Receiver<Option<Removed>>,
    pub(crate) library: Arc<dyn Library>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) proposer: Proposer,
    pub(crate) hand_over: HandOver,
    pub(crate) read_index: ReadIndex,
    pub(crate) freshness: Arc<Freshness>,
    pub(crate) time: Arc<AgreedTime>,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) membership: watch::Receiver<Arc<Membership>>,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) table: watch::Receiver<Table>,
    pub(crate) failure: watch::Receiver<Option<String>>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) roster: Arc<Roster>,
    pub(crate) log_counters: Arc<dyn Fn() -> holdfast_storage::log::LogCounters + Send + Sync>,
    pub(crate) end_log: EndLog,
    #[cfg(feature = "simulation")]
    pub(crate) log: Arc<dyn crate::probe::ProbedLog>,
}

/// A handle to this node's replica. Clones are the same.
#[derive(Clone)]
pub struct Replica {
    pub(crate) parts: Arc<ReplicaParts>,
    /// Since it started, the state here was once confirmed to show all that was answered before.
    is_recovered: Arc<AtomicBool>,
    probed: watch::Receiver<Option<Instant>>,
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica").field("identity", &self.parts.own).finish_non_exhaustive()
    }
}

impl Replica {
    pub(crate) fn start(parts: ReplicaParts) -> Self {
        let (probed, probes) = watch::channel(None);
        let replica =
            Self { parts: Arc::new(parts), is_recovered: Arc::new(AtomicBool::new(false)), probed: probes };
        let prober = replica.clone();
        drop(spawn(async move {
            loop {
                let began_at = Instant::now();
                if prober.catch_up(began_at + PROBE_DURATION_MAX).await.is_ok() {
                    probed.send_replace(Some(began_at));
                }
                tokio::time::sleep_until(began_at + PROBE_INTERVAL).await;
                if prober.parts.failure.borrow().is_some() {
                    return;
                }
            }
        }));
        replica.start_keeping_key();
        replica
    }

    /// Which node of which cluster this is.
    #[must_use]
    pub fn identity(&self) -> NodeIdentity {
        self.parts.own
    }

    /// The key that this node signs with.
    #[must_use]
    pub fn own_key(&self) -> Arc<OwnKey> {
        self.parts.keys.in_use()
    }

    /// Whether this node serves: it has lately caught up with the leader, and trails it by little.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_recent = self.probed.borrow().is_some_and(|at| at.elapsed() <= READY_DURATION_MAX);
        let own = self.parts.table.borrow().get(&self.parts.own.node).copied();
        !self.is_removed()
            && is_recent
            && own.unwrap_or_default().lag <= READY_LAG_MAX
            && self.leadership().leader.is_some()
    }

    /// Who leads, as far as this node knows.
    #[must_use]
    pub fn leadership(&self) -> Leadership {
        *self.parts.leadership.borrow()
    }

    /// Tells when leadership changes.
    #[must_use]
    pub fn watch_leadership(&self) -> watch::Receiver<Leadership> {
        self.parts.leadership.clone()
    }

    /// How far this node has come.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.parts.progress.borrow().applied.unwrap_or(0)
    }

    /// How far this node has come; nothing as long as that may be less than what it had shown before it was started.
    #[must_use]
    pub fn shown(&self) -> Option<u64> {
        self.is_recovered.load(Ordering::Acquire).then(|| self.applied())
    }

    /// When the next thing is due, and agreed time.
    #[must_use]
    pub fn due(&self) -> (Option<Timestamp>, Timestamp) {
        let progress = *self.parts.progress.borrow();
        (progress.due_at, self.agreed_time())
    }

    /// Agreed time as it goes on between entries: what tokens and signed URLs are judged by.
    #[must_use]
    pub fn agreed_time(&self) -> Timestamp {
        let progress = *self.parts.progress.borrow();
        self.parts.time.heard(progress.now, progress.applied_at);
        self.parts.time.now()
    }

    /// Waits until the next thing is due at another moment than the one known.
    pub async fn due_changed(&self, known: Option<Timestamp>) {
        let mut progress = self.parts.progress.clone();
        drop(progress.wait_for(|progress| progress.due_at != known).await);
    }

    /// Waits until this node has come further than `known`; how far. `None` if it will not come any further.
    pub async fn applied_past(&self, known: u64) -> Option<u64> {
        let mut progress = self.parts.progress.clone();
        let applied = progress.wait_for(|progress| progress.applied > Some(known)).await;
        applied.ok().and_then(|progress| progress.applied)
    }

    /// What the log has written since this node started.
    #[must_use]
    pub fn log_counters(&self) -> holdfast_storage::log::LogCounters {
        (self.parts.log_counters)()
    }

    /// Completes with the reason when this node cannot go on.
    pub async fn failed(&self) -> String {
        let mut failure = self.parts.failure.clone();
        match failure.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "the consensus core is gone".to_owned(),
        }
    }

    /// Stops taking part. The log writes what waits, and then nothing any more: its folder may be opened again. The rows
    /// are as durable as their last flush, and the log holds the rest.
    pub async fn shut_down(&self) {
        if let Err(error) = self.parts.raft.shutdown().await {
            tracing::warn!(%error, "the consensus core did not stop cleanly");
        }
        if tokio::time::timeout(END_DURATION_MAX, (self.parts.end_log)()).await.is_err() {
            tracing::warn!("the log did not stop: its disk does not answer");
        }
    }

    /// Waits a little, or until another leads. `false` when there is no time left.
    async fn pause(&self, pause: &mut Duration, deadline: Instant) -> bool {
        let mut leadership = self.parts.leadership.clone();
        leadership.mark_unchanged();
        let until = (Instant::now() + *pause).min(deadline);
        *pause = (*pause * 2).min(PAUSE_MAX);
        if let Ok(Err(_)) = tokio::time::timeout_at(until, leadership.changed()).await {
            // The core has stopped: nothing will change any more, and there is no hurry.
            tokio::time::sleep_until(until).await;
        }
        Instant::now() < deadline
    }
}
