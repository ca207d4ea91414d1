//! What a simulator sees of a replica: the log, openraft's figures and the rows, as they are between two steps.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdfast_storage::files::Files;
use holdfast_storage::log::{Entry, Log, LogId, LogState, Vote};
use openraft::{AsyncRuntime, Instant as _, ServerState};

use crate::convert::{decode_membership, to_stored_id, to_stored_vote};
use crate::members::{Wish, wish_of};
use crate::replica::Replica;
use crate::runtime::Runtime;
use crate::store::Progress;
use crate::types::Membership;
use crate::watch::metrics;

/// A replica between two steps.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What part it plays.
    pub role: ProbedRole,
    /// Whom it believes to lead.
    pub leader: Option<u64>,
    /// The term it is in, durable or not.
    pub term: u64,
    /// The newest vote that was reported durable since it started; a default before the first.
    pub vote: Vote,
    /// Where its log stands.
    pub log: LogState,
    /// The newest entry whose append was reported durable, or that was found at the start.
    pub durable: Option<LogId>,
    /// The last entry that it knows to be committed.
    pub committed: Option<LogId>,
    /// The last entry of its newest snapshot.
    pub snapshot: Option<LogId>,
    /// If it leads: how long ago a quorum last acknowledged that.
    pub quorum_acked_ago: Option<Duration>,
    /// One set of voters, or two while a change is under way.
    pub voters: Vec<BTreeSet<u64>>,
    /// Those who do not vote.
    pub learners: BTreeSet<u64>,
    /// The entry that made these the members.
    pub members_at: Option<u64>,
    /// How far its state has come: the last applied index, agreed time, what is due next.
    pub applied: Option<u64>,
    /// Agreed time.
    pub now: holdfast_reservations::Timestamp,
    /// When the next thing is due.
    pub due_at: Option<holdfast_reservations::Timestamp>,
}

/// The members as an entry of the log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbedMembership {
    /// One set of voters, or two while a change is under way.
    pub voters: Vec<BTreeSet<u64>>,
    /// All members, and what is wanted of each.
    pub wishes: BTreeMap<u64, Wish>,
}

impl ProbedMembership {
    /// What a membership's entry carries.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let membership = decode_membership(bytes).map_err(|error| error.to_string())?;
        Ok(Self {
            voters: membership.get_joint_config().clone(),
            wishes: membership.nodes().map(|(id, member)| (*id, wish_of(member))).collect(),
        })
    }
}

/// A moment of a replica's own clock.
#[derive(Clone, Copy, Debug)]
pub struct Moment(<Runtime as AsyncRuntime>::Instant);

impl Moment {
    /// This one. Call it within the replica's runtime.
    #[must_use]
    pub fn now() -> Self {
        Self(<Runtime as AsyncRuntime>::Instant::now())
    }
}

/// What part a replica plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbedRole {
    /// It does not vote.
    Learner,
    /// It follows a leader, or waits for one.
    Follower,
    /// It asks for votes.
    Candidate,
    /// It leads.
    Leader,
}

impl Replica {
    /// How it stands at a moment of its own clock.
    #[must_use]
    pub fn probe(&self, at: Moment) -> Probe {
        let metrics = metrics(&self.parts.raft);
        let membership: &Membership = metrics.membership_config.membership();
        let Progress { applied, now, due_at, .. } = *self.parts.progress.borrow();
        Probe {
            role: match metrics.state {
                ServerState::Learner | ServerState::Shutdown => ProbedRole::Learner,
                ServerState::Follower => ProbedRole::Follower,
                ServerState::Candidate => ProbedRole::Candidate,
                ServerState::Leader => ProbedRole::Leader,
            },
            leader: metrics.current_leader,
            term: metrics.current_term,
            vote: to_stored_vote(&metrics.vote),
            log: self.parts.log.state(),
            durable: self.parts.log.durable(),
            committed: metrics.local_committed.map(to_stored_id),
            snapshot: metrics.snapshot.map(to_stored_id),
            quorum_acked_ago: metrics
                .last_quorum_acked
                .map(|acked| if at.0 > *acked { at.0 - *acked } else { Duration::ZERO }),
            voters: membership.get_joint_config().clone(),
            learners: membership.learner_ids().collect(),
            members_at: metrics.membership_config.log_id().map(|id| id.index),
            applied,
            now,
            due_at,
        }
    }

    /// The entries of its log from an index on.
    ///
    /// # Errors
    ///
    /// Says so if the disk cannot be read.
    pub fn log_entries(&self, from: u64) -> io::Result<Vec<Entry>> {
        self.parts.log.entries(from)
    }

    /// The id of the entry at an index, or of the newest purged one.
    #[must_use]
    pub fn log_id_at(&self, index: u64) -> Option<LogId> {
        self.parts.log.id_at(index)
    }

    /// Takes a snapshot now, whatever the settings say, if there is anything to take one of.
    pub async fn take_snapshot(&self) {
        if self.parts.progress.borrow().applied.is_none() {
            return;
        }
        drop(self.parts.raft.trigger().snapshot().await);
    }
}

/// A log, whatever disk it lies on.
pub(crate) trait ProbedLog: Send + Sync {
    fn state(&self) -> LogState;
    fn durable(&self) -> Option<LogId>;
    fn entries(&self, from: u64) -> io::Result<Vec<Entry>>;
    fn id_at(&self, index: u64) -> Option<LogId>;
}

/// How much of a log was reported durable. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Durable(Arc<Mutex<Option<LogId>>>);

impl Durable {
    /// Of a log that was just opened: all of it was found on the disk.
    pub(crate) fn found<F: Files>(log: &Log<F>) -> Self {
        Self(Arc::new(Mutex::new(log.state().last)))
    }

    /// An append up to this entry was reported durable, unless the log has dropped it meanwhile.
    pub(crate) fn reported<F: Files>(&self, log: &Log<F>, last: Option<LogId>) {
        let is_there = last.is_some_and(|last| log.id_at(last.index) == Some(last));
        if is_there {
            *self.lock() = last;
        }
    }

    /// What comes after this index was dropped.
    pub(crate) fn truncated<F: Files>(&self, log: &Log<F>, after: Option<u64>) {
        let mut durable = self.lock();
        if durable.map(|id| id.index) > after {
            *durable = after.and_then(|index| log.id_at(index));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<LogId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log and how much of it was reported durable.
pub(crate) struct Probed<F: Files>(pub(crate) Log<F>, pub(crate) Durable);

impl<F: Files> ProbedLog for Probed<F> {
    fn state(&self) -> LogState {
        self.0.state()
    }

    fn durable(&self) -> Option<LogId> {
        let (durable, purged) = (*self.1.lock(), self.0.state().purged);
        if purged.map(|id| id.index) > durable.map(|id| id.index) { purged } else { durable }
    }

    fn entries(&self, from: u64) -> io::Result<Vec<Entry>> {
        self.0.entries(from..u64::MAX, None)
    }

    fn id_at(&self, index: u64) -> Option<LogId> {
        self.0.id_at(index)
    }
}
