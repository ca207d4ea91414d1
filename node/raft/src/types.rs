//! The types that openraft is told of. Nothing outside this crate sees them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_reservations::Applied;
use serde::{Deserialize, Serialize};

use crate::runtime::Runtime;
use crate::store::StateStore;

openraft::declare_raft_types!(
    /// How Holdfast uses openraft.
    pub Types:
        D = Commands,
        R = EntryOutcomes,
        NodeId = u64,
        Node = Member,
        AsyncRuntime = Runtime,
);

/// The consensus core of this node.
pub(crate) type Raft = openraft::Raft<Types, StateStore>;

pub(crate) type LogId = openraft::alias::LogIdOf<Types>;
pub(crate) type Vote = openraft::alias::VoteOf<Types>;
pub(crate) type LeaderId = openraft::alias::LeaderIdOf<Types>;
pub(crate) type Entry = openraft::alias::EntryOf<Types>;
pub(crate) type Payload = openraft::alias::PayloadOf<Types>;
pub(crate) type Membership = openraft::Membership<u64, Member>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<Types>;
pub(crate) type SnapshotMeta = openraft::alias::SnapshotMetaOf<Types>;
pub(crate) type Metrics = openraft::RaftMetrics<Types>;
pub(crate) type RpcError = openraft::errors::RPCError<Types>;

/// What an entry carries: an encoded batch of requests, the same bytes in memory, in the log and on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Commands(pub(crate) Bytes);

/// What became of an entry's requests, in their order; empty for entries without any.
#[derive(Clone, Debug, Default)]
pub struct EntryOutcomes(pub(crate) Arc<[Applied]>);

/// Where a node is found, and what tells it from another one at the same address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "suite"), derive(Default))]
pub struct Member {
    /// HOST:PORT for other nodes.
    pub peer_address: String,
    /// HOST:PORT for clients.
    pub client_address: String,
    /// The public half of the key in the node's data folder.
    pub public_key: [u8; 32],
    /// It learns and serves reads, but is never promoted to voter by itself. A voter that is to stay learner is drained:
    /// it stops voting as soon as the others can do without it.
    pub stays_learner: bool,
    /// It is on its way out; nobody promotes it, and whoever leads goes on with it.
    pub leaving: Option<Leaving>,
}

/// Why a member is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leaving {
    /// An operator removed it.
    Removed,
    /// It goes when another can take its place: this one, or whoever comes first.
    Replaced {
        /// Its successor, if the operator named one.
        by: Option<u64>,
    },
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commands({} bytes)", self.0.len())
    }
}

impl fmt::Display for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of commands", self.0.len())
    }
}

impl fmt::Display for EntryOutcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} outcomes", self.0.len())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.peer_address)
    }
}
