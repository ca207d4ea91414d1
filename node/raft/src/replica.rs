//! This node's replica: propose a command, read agreed state, see the cluster. The rest of Holdfast knows agreement
//! only by this.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_reservations::{Applied, Command, Principal, Request, Timestamp};
use holdfast_storage::codec;
use holdfast_storage::engine::ReadEngine;
use holdfast_storage::identity::{ClusterId, Membership as NodeIdentity};
use holdfast_storage::rows::{Digest, View, digest};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::agreed_time::AgreedTime;
use crate::freshness::Freshness;
use crate::proposals::{Group, HandOver, Identity, Notify, ProposeError, Proposer, Waiting};
use crate::pulse::{NodeProgress, Table};
use crate::reads::{ReadError, ReadIndex};
use crate::runtime::spawn;
use crate::store::{Library, Progress};
use crate::types::{Membership, Raft};
use crate::watch::{Leadership, metrics};

/// First and longest pause before something is tried again.
const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// How often a node asks whether it could serve.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// A node that trails the leader by more entries does not call itself ready.
const READY_LAG_MAX: u64 = 2_000;

/// A node whose last probe succeeded longer ago is not ready.
const READY_DURATION_MAX: Duration = Duration::from_secs(3);

/// How current a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// It shows everything that was answered anywhere before it was asked.
    Linearizable,
    /// It shows some moment of this node's state.
    Stale {
        /// No older than this, if given.
        max_age: Option<Duration>,
    },
}

/// What was read, and of which moment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// The last applied log index of the moment.
    pub index: u64,
    /// How old the moment may be; zero for linearizable reads.
    pub age: Duration,
}

/// A node as the cluster's list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its id.
    pub id: u64,
    /// Whether it votes.
    pub is_voter: bool,
    /// HOST:PORT for clients.
    pub client_address: String,
    /// HOST:PORT for other nodes.
    pub peer_address: String,
    /// How far it has come; `None` if this node has not heard.
    pub progress: Option<NodeProgress>,
}

/// The cluster as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// Its name.
    pub cluster: ClusterId,
    /// This node.
    pub node: u64,
    /// Who leads.
    pub leadership: Leadership,
    /// All members.
    pub nodes: Vec<NodeStatus>,
}

pub(crate) struct ReplicaParts {
    pub(crate) own: NodeIdentity,
    pub(crate) raft: Raft,
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
    pub(crate) log_counters: Arc<dyn Fn() -> holdfast_storage::log::LogCounters + Send + Sync>,
}

/// A handle to this node's replica. Clones are the same.
#[derive(Clone)]
pub struct Replica {
    parts: Arc<ReplicaParts>,
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
                let deadline = Instant::now() + PROBE_INTERVAL;
                if prober.catch_up(deadline).await.is_ok() {
                    probed.send_replace(Some(Instant::now()));
                }
                tokio::time::sleep_until(deadline).await;
                if prober.parts.failure.borrow().is_some() {
                    return;
                }
            }
        }));
        replica
    }

    /// Which node of which cluster this is.
    #[must_use]
    pub fn identity(&self) -> NodeIdentity {
        self.parts.own
    }

    /// Proposes a request and waits until this node has applied it. Follows leaders and retries under the same request
    /// id until `deadline`.
    ///
    /// # Errors
    ///
    /// [`ProposeError::OutcomeUnknown`] if it may still take effect; every other error says that it never will.
    pub async fn propose(&self, request: &Request, deadline: Instant) -> Result<Applied, ProposeError> {
        let Some(identity) = Identity::of(request) else {
            return self.propose_internal(request.command.clone(), deadline).await;
        };
        let encoded = codec::encode_request(request).map_err(|_| ProposeError::Malformed)?;
        let mut may_take_effect = false;
        let mut pause = PAUSE_FIRST;
        loop {
            // An earlier attempt that takes effect meanwhile is found by the next one: the state remembers its answer.
            let mut wait = self.parts.waiting.wait_for(identity);
            self.route(Group { requests: vec![encoded.clone()], notify: Notify::Waiter(wait.waiter) });
            let error = match tokio::time::timeout_at(deadline, wait.answer()).await {
                Ok(Ok(applied)) => return Ok(applied),
                Ok(Err(error)) => error,
                Err(_) => return Err(ProposeError::OutcomeUnknown),
            };
            may_take_effect |= error.is_unknown();
            let is_final = match error {
                ProposeError::Overloaded | ProposeError::Malformed => true,
                ProposeError::NoLeader | ProposeError::NotLeader | ProposeError::OutcomeUnknown => {
                    !self.pause(&mut pause, deadline).await
                }
            };
            if is_final {
                return Err(if may_take_effect { ProposeError::OutcomeUnknown } else { error });
            }
        }
    }

    /// Proposes a command of the cluster's own, in the lane that overload never blocks; on the leader only.
    ///
    /// # Errors
    ///
    /// As [`Replica::propose`], after one attempt.
    pub async fn propose_internal(
        &self,
        command: Command,
        deadline: Instant,
    ) -> Result<Applied, ProposeError> {
        if !self.leadership().is_own {
            return Err(ProposeError::NotLeader);
        }
        let request = Request { id: None, principal: Principal::Internal, command };
        let encoded = codec::encode_request(&request).map_err(|_| ProposeError::Malformed)?;
        let (sender, outcomes) = oneshot::channel();
        self.parts
            .proposer
            .push_internal(Group { requests: vec![encoded], notify: Notify::Internal(sender) });
        match tokio::time::timeout_at(deadline, outcomes).await {
            Ok(Ok(outcomes)) => outcomes?.pop().ok_or(ProposeError::OutcomeUnknown),
            Ok(Err(_)) | Err(_) => Err(ProposeError::OutcomeUnknown),
        }
    }

    /// Reads one moment of the agreed state, waiting until `deadline` if it must.
    ///
    /// # Errors
    ///
    /// See [`ReadError`].
    pub async fn read<T>(
        &self,
        consistency: Consistency,
        deadline: Instant,
        with: impl FnOnce(&View<'_>) -> T,
    ) -> Result<Read<T>, ReadError> {
        match consistency {
            Consistency::Linearizable => {
                self.catch_up(deadline).await?;
                let (value, index) = self.look(with)?;
                Ok(Read { value, index, age: Duration::ZERO })
            }
            Consistency::Stale { max_age } => {
                // After a restart the state may be older than what this node has shown before.
                self.recovered(deadline).await?;
                let (value, index) = self.look(with)?;
                let age = self.parts.freshness.age(Some(index)).unwrap_or(Duration::ZERO);
                match max_age {
                    Some(max_age) if age > max_age => Err(ReadError::TooStale {
                        age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
                    }),
                    Some(_) | None => Ok(Read { value, index, age }),
                }
            }
        }
    }

    /// Waits until this node has caught up once since it started: before that it may know neither the time nor what it
    /// knew before.
    ///
    /// # Errors
    ///
    /// As [`Replica::read`].
    pub async fn recovered(&self, deadline: Instant) -> Result<(), ReadError> {
        if !self.is_recovered.load(Ordering::Acquire) {
            self.catch_up(deadline).await?;
        }
        Ok(())
    }

    /// Reads this node's state as it is, current or not: for what the node itself keeps at hand.
    ///
    /// # Errors
    ///
    /// [`ReadError::Broken`] if the rows cannot be read.
    pub fn look<T>(&self, with: impl FnOnce(&View<'_>) -> T) -> Result<(T, u64), ReadError> {
        let mut with = Some(with);
        let mut seen = Err(ReadError::Broken);
        self.parts.library.engine().read(&mut |reader: &dyn ReadEngine| {
            let view = View::of(reader);
            let Some(with) = with.take() else { return };
            let value = with(&view);
            let mark = view.mark();
            seen = match (mark, view.failure()) {
                (Ok(mark), None) => Ok((value, mark.map_or(0, |mark| mark.applied.index))),
                (Err(error), _) | (Ok(_), Some(error)) => {
                    tracing::error!(%error, "rows cannot be read");
                    Err(ReadError::Broken)
                }
            };
        });
        seen
    }

    /// The digest of this node's rows, and the log index it is of. Reads all of them.
    ///
    /// # Errors
    ///
    /// [`ReadError::Broken`] if the rows cannot be read.
    pub fn digest(&self) -> Result<(Digest, u64), ReadError> {
        let mut found = Err(ReadError::Broken);
        self.parts.library.engine().read(&mut |reader: &dyn ReadEngine| {
            let mark = View::of(reader).mark().ok().flatten();
            if let (Ok(digest), Some(mark)) = (digest(reader), mark) {
                found = Ok((digest, mark.applied.index));
            }
        });
        found
    }

    /// Waits until this node has applied everything that was answered anywhere before this call; the index it has then.
    async fn catch_up(&self, deadline: Instant) -> Result<u64, ReadError> {
        let mut pause = PAUSE_FIRST;
        loop {
            let error = match tokio::time::timeout_at(deadline, self.confirmed_index()).await {
                Ok(Ok(index)) => {
                    self.is_recovered.store(true, Ordering::Release);
                    return Ok(index);
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(ReadError::Unavailable),
            };
            if error == ReadError::Overloaded || !self.pause(&mut pause, deadline).await {
                return Err(error);
            }
        }
    }

    async fn confirmed_index(&self) -> Result<u64, ReadError> {
        let index = self.parts.read_index.get().await?;
        let mut progress = self.parts.progress.clone();
        let applied = progress.wait_for(|progress| progress.applied >= Some(index)).await;
        applied.map(|progress| progress.applied.unwrap_or(index)).map_err(|_| ReadError::Unavailable)
    }

    /// Whether this node serves: it has lately caught up with the leader, and trails it by little.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_recent = self.probed.borrow().is_some_and(|at| at.elapsed() <= READY_DURATION_MAX);
        let own = self.parts.table.borrow().get(&self.parts.own.node).copied();
        is_recent && own.unwrap_or_default().lag <= READY_LAG_MAX && self.leadership().leader.is_some()
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

    /// The cluster as this node sees it.
    #[must_use]
    pub fn cluster(&self) -> ClusterStatus {
        let membership = self.parts.membership.borrow().clone();
        let table = self.parts.table.borrow().clone();
        let voters: Vec<u64> = membership.voter_ids().collect();
        let nodes = membership.nodes().map(|(id, member)| NodeStatus {
            id: *id,
            is_voter: voters.contains(id),
            client_address: member.client_address.clone(),
            peer_address: member.peer_address.clone(),
            progress: match *id == self.parts.own.node {
                true => Some(NodeProgress { applied_index: self.applied(), ..self.own_progress(&table) }),
                false => table.get(id).copied(),
            },
        });
        let NodeIdentity { cluster, node } = self.parts.own;
        ClusterStatus { cluster, node, leadership: self.leadership(), nodes: nodes.collect() }
    }

    fn own_progress(&self, table: &Table) -> NodeProgress {
        table.get(&self.parts.own.node).copied().unwrap_or_default()
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

    /// Hands leadership to the voter that is furthest, if this node leads; for a clean stop.
    pub async fn step_down(&self) {
        if !self.leadership().is_own {
            return;
        }
        let metrics = metrics(&self.parts.raft);
        let voters: Vec<u64> = metrics.membership_config.voter_ids().collect();
        let matched = metrics.replication.unwrap_or_default();
        let others = voters.into_iter().filter(|voter| *voter != self.parts.own.node);
        let target = others.max_by_key(|voter| matched.get(voter).copied().flatten().map(|id| id.index));
        let Some(target) = target else { return };
        if self.parts.raft.trigger().transfer_leader(target).await.is_ok() {
            let mut leadership = self.watch_leadership();
            let gone = leadership.wait_for(|leadership| !leadership.is_own && leadership.leader.is_some());
            drop(tokio::time::timeout(STEP_DOWN_DURATION_MAX, gone).await);
        }
    }

    /// Stops taking part. The log writes what waits; the rows are as durable as their last flush, and the log holds the
    /// rest.
    pub async fn shut_down(&self) {
        if let Err(error) = self.parts.raft.shutdown().await {
            tracing::warn!(%error, "the consensus core did not stop cleanly");
        }
    }

    fn route(&self, group: Group) {
        match self.leadership() {
            Leadership { is_own: true, .. } => self.parts.proposer.push(group),
            Leadership { leader: Some(_), .. } => self.parts.hand_over.push(group),
            Leadership { leader: None, .. } => {
                if let Notify::Waiter(waiter) = group.notify {
                    self.parts.waiting.fail(waiter, ProposeError::NoLeader);
                }
            }
        }
    }

    /// Waits a little, or until another leads. `false` when there is no time left.
    async fn pause(&self, pause: &mut Duration, deadline: Instant) -> bool {
        let mut leadership = self.parts.leadership.clone();
        leadership.mark_unchanged();
        let until = (Instant::now() + *pause).min(deadline);
        *pause = (*pause * 2).min(PAUSE_MAX);
        drop(tokio::time::timeout_at(until, leadership.changed()).await);
        Instant::now() < deadline
    }
}

/// A successor that takes longer is not waited for.
const STEP_DOWN_DURATION_MAX: Duration = Duration::from_secs(2);
