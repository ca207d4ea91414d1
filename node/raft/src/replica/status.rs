//! The cluster as a node sees it, also without a quorum.

use holdfast_reservations::Edition;
use holdfast_storage::identity::{ClusterId, Membership as NodeIdentity};

use super::{READY_DURATION_MAX, Replica};
use crate::members::{Wish, wish_of};
use crate::pulse::{NodeProgress, Table};
use crate::watch::Leadership;

/// A node as the cluster's list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its id.
    pub id: u64,
    /// Whether it votes.
    pub is_voter: bool,
    /// What is wanted of it.
    pub wish: Wish,
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
    /// Who leads, if anybody lately did.
    pub leadership: Leadership,
    /// A change of voters was begun and is not finished.
    pub is_changing: bool,
    /// All members.
    pub nodes: Vec<NodeStatus>,
}

impl Replica {
    /// The cluster as this node sees it.
    #[must_use]
    pub fn cluster(&self) -> ClusterStatus {
        let membership = self.parts.membership.borrow().clone();
        let table = self.parts.table.borrow().clone();
        let voters: Vec<u64> = membership.voter_ids().collect();
        let nodes = membership.nodes().map(|(id, member)| NodeStatus {
            id: *id,
            is_voter: voters.contains(id),
            wish: wish_of(member),
            client_address: member.client_address.clone(),
            peer_address: member.peer_address.clone(),
            progress: match *id == self.parts.own.node {
                true => Some(NodeProgress { applied_index: self.applied(), ..self.own_progress(&table) }),
                false => table.get(id).copied(),
            },
        });
        let NodeIdentity { cluster, node } = self.parts.own;
        ClusterStatus {
            cluster,
            node,
            leadership: self.confirmed_leadership(),
            is_changing: membership.get_joint_config().len() > 1,
            nodes: nodes.collect(),
        }
    }

    /// The latest edition of the rules that every member's program knows, as far as this node has heard as the leader.
    #[must_use]
    pub fn edition_of_all(&self) -> Edition {
        let membership = self.parts.membership.borrow().clone();
        let table = self.parts.table.borrow();
        let editions = membership.nodes().map(|(id, _)| table.get(id).map(|node| node.edition));
        editions.map(Option::unwrap_or_default).min().unwrap_or_default()
    }

    /// Who leads, if it could lately prove it to this node: without a quorum nobody does, whatever was known before.
    fn confirmed_leadership(&self) -> Leadership {
        let known = self.leadership();
        let since = self.parts.freshness.since_confirmed();
        match since.is_some_and(|since| since <= READY_DURATION_MAX) {
            true => known,
            false => Leadership { leader: None, is_own: false, ..known },
        }
    }

    fn own_progress(&self, table: &Table) -> NodeProgress {
        table.get(&self.parts.own.node).copied().unwrap_or_default()
    }
}
