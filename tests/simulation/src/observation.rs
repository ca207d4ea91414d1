//! What the harness sees of a cluster after a tick: plain data, which the invariants judge.
//!
//! The harness fills one after every tick, in the order in which it ticks. Only what is new since the last one is
//! listed where that is said; everything else is how things stand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use holdfast_reservations::{Key, PoolCounts, PoolId, RequestKey, Revision, Row, Timestamp};
use holdfast_storage::log::{Entry, LogId, Vote};

/// A node's id in the cluster.
pub type NodeId = u64;

/// A cluster after a tick.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Simulated time since the start.
    pub at: Duration,
    /// What a right wall clock shows, in milliseconds since 1970.
    pub true_ms: u64,
    /// Every node that ever was, by its id, also when it is down. A node without an id yet is none.
    pub nodes: BTreeMap<NodeId, NodeSeen>,
    /// Changes that clients were told of since the last observation.
    pub acknowledged: Vec<Acknowledged>,
}

/// A change that a client was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Where it took effect.
    pub revision: Revision,
    /// The key of the request, if the client sent one.
    pub key: Option<RequestKey>,
}

/// A node after a tick.
#[derive(Clone, Debug, Default)]
pub struct NodeSeen {
    /// Rises with every start.
    pub incarnation: u32,
    /// How the last incarnation before this one ended; of no meaning for the first.
    pub ended: Ending,
    /// What its wall clock shows, also when it is down.
    pub clock_ms: u64,
    /// Nothing on its machine runs at the moment.
    pub is_paused: bool,
    /// Its own clock falls far behind.
    pub crawls: bool,
    /// Its disk takes long, or for ever.
    pub has_slow_disk: bool,
    /// `None` while it is down, and until its log is open.
    pub running: Option<Running>,
}

/// How a node came to be down: what it may have lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Stopped or killed: its disk keeps everything that was written.
    #[default]
    Kept,
    /// Without power: its disk keeps what was synced, and of the rest what the dice say.
    PowerLost,
    /// The disk itself lost or damaged what was synced: rot, a wipe. The node may refuse to start, and may not lie.
    DiskLost,
}

/// A node that runs.
#[derive(Clone, Debug, Default)]
pub struct Running {
    /// Its part.
    pub role: Role,
    /// Whom it believes to lead.
    pub leader: Option<NodeId>,
    /// The term it is in, durable or not.
    pub term: u64,
    /// The newest vote that was reported durable: what the log held at the start, then openraft's metric (which is a
    /// default until the first write of an incarnation: ignore it while it is smaller).
    pub vote: Option<Vote>,
    /// The newest vote that a loss of power now would leave.
    pub vote_on_disk: Option<Vote>,
    /// What its log holds.
    pub log: LogSeen,
    /// The last entry that it knows to be committed (openraft's local committed).
    pub committed: Option<LogId>,
    /// The last entry of its newest snapshot.
    pub snapshot: Option<LogId>,
    /// If it leads and runs: how long ago a quorum last acknowledged that.
    pub quorum_acked_ago: Option<Duration>,
    /// The members by its newest known configuration, committed or not.
    pub members: Members,
    /// Its state.
    pub state: StateSeen,
}

/// What part a node plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Learns, and does not vote.
    #[default]
    Learner,
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Leads.
    Leader,
}

/// A node's log.
#[derive(Clone, Debug, Default)]
pub struct LogSeen {
    /// The newest entry that was purged.
    pub purged: Option<LogId>,
    /// The newest entry, or the purged one if none is left.
    pub last: Option<LogId>,
    /// The newest entry whose append was reported durable (its `done` was called), or that was found at the start. Never
    /// beyond `last`.
    pub durable: Option<LogId>,
    /// The newest entry that a loss of power now would leave, by the bytes on its disk. Never beyond `last`.
    pub on_disk: Option<LogId>,
    /// From this index on the log holds `entries` and nothing else; below it, what it held in the last observation of
    /// the same incarnation, but for what was purged. At the first observation of an incarnation: the first index
    /// after the purged one.
    pub changed_from: u64,
    /// Everything from `changed_from` on.
    pub entries: Vec<Entry>,
}

/// A node's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// One set of voters, or two while a change is under way.
    pub voters: Vec<BTreeSet<NodeId>>,
    /// Those who do not vote.
    pub learners: BTreeSet<NodeId>,
}

/// A node's state, of one moment.
#[derive(Clone, Debug, Default)]
pub struct StateSeen {
    /// The last applied entry.
    pub applied: Option<LogId>,
    /// Agreed time.
    pub now: Timestamp,
    /// When the next thing is due.
    pub due_at: Option<Timestamp>,
    /// The digest of all rows at `applied`, if it was taken: whenever `applied` has moved.
    pub digest: Option<u128>,
    /// Pools that have changed since the last observation of the same incarnation; at its first all of them.
    pub pools: Vec<(PoolId, PoolCounts)>,
    /// All rows at `applied`, if they were read: now and then (they are many), after a start, after the install of a
    /// snapshot, and at the end.
    pub rows: Option<Arc<Vec<(Key, Row)>>>,
}

impl Members {
    /// Whether these nodes are a majority of each set of voters.
    #[must_use]
    pub fn is_quorum(&self, is_in: impl Fn(NodeId) -> bool) -> bool {
        let is_majority =
            |voters: &BTreeSet<NodeId>| 2 * voters.iter().filter(|node| is_in(**node)).count() > voters.len();
        !self.voters.is_empty() && self.voters.iter().all(is_majority)
    }

    /// Whether a change of voters is under way.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        self.voters.len() > 1
    }

    /// Everybody.
    #[must_use]
    pub fn all(&self) -> BTreeSet<NodeId> {
        &self.all_voters() | &self.learners
    }

    /// Everybody who votes.
    #[must_use]
    pub fn all_voters(&self) -> BTreeSet<NodeId> {
        self.voters.iter().flatten().copied().collect()
    }
}

impl Observation {
    /// The nodes that run.
    pub fn running(&self) -> impl Iterator<Item = (NodeId, &NodeSeen, &Running)> {
        self.nodes.iter().filter_map(|(id, node)| Some((*id, node, node.running.as_ref()?)))
    }
}

/// The order of votes: by term, and in a term by node, since one may have several leaders one after the other.
#[must_use]
pub fn rank(vote: Vote) -> (u64, u64, bool) {
    (vote.term, vote.node, vote.committed)
}
