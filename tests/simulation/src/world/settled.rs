//! What must be over once all is healed: no change of members is left halfway, and nobody runs on who was removed.

use std::collections::BTreeSet;

use holdfast_raft::{VOTERS_MAX, Wish};

use super::World;
use super::members::is_majority;
use crate::invariants::Membership;
use crate::observation::NodeId;

impl World {
    /// What is still to be done about the members, though nothing keeps the leader from it: nothing, once all is well.
    #[must_use]
    pub fn unfinished(&self, core: &[usize]) -> Option<String> {
        let members = self.membership()?;
        if members.is_joint() {
            return Some(format!("the voters are {:?}", members.voters));
        }
        let there: BTreeSet<NodeId> = core.iter().filter_map(|host| self.id_of(*host)).collect();
        let Some(leader) = self.leader().and_then(|host| self.id_of(host)) else {
            return Some("nobody leads".to_owned());
        };
        let left = |node: &NodeId, wish: &Wish| is_left(members, &there, leader, *node, *wish);
        let (node, wish) = members.wishes.iter().find(|(node, wish)| left(node, wish))?;
        Some(format!("node {node} of {:?} is wanted as {wish:?}, and {leader} leads", members.voters))
    }

    /// Hosts of nodes that have left, and could hear of it from somebody who is there.
    #[must_use]
    pub fn strays(&self, core: &[usize]) -> Vec<usize> {
        let there: BTreeSet<NodeId> = core.iter().filter_map(|host| self.id_of(*host)).collect();
        let hears = |position: &usize| {
            let knows = self.watcher.members_of(*position);
            knows.is_some_and(|members| members.all().iter().any(|node| there.contains(node)))
        };
        // Whose disk is lost may never start.
        let may_run = |position: &usize| !self.kept_down.contains(position) && !self.lost.contains(position);
        let has_left = |position: &usize| self.has_left(*position) && !self.hosts[*position].is_gone;
        (0..self.hosts.len()).filter(may_run).filter(has_left).filter(hears).collect()
    }
}

/// Whether the leader could do something about what is wanted of a member.
fn is_left(members: &Membership, there: &BTreeSet<NodeId>, leader: NodeId, node: NodeId, wish: Wish) -> bool {
    let voters = members.voters_to_be();
    let votes = voters.contains(&node);
    let wants_to_vote = |other: &NodeId| members.wishes.get(other) == Some(&Wish::Votes);
    // Whoever leads must be able to hand it over first.
    let can_go = node != leader
        || voters.iter().any(|other| *other != node && wants_to_vote(other) && there.contains(other));
    let mut others = voters.clone();
    others.remove(&node);
    match (votes, wish) {
        (true, Wish::Votes) | (false, Wish::Learns) => false,
        (false, Wish::Removed | Wish::Replaced { .. }) => can_go,
        (true, Wish::Learns | Wish::Removed) => can_go && is_majority(there, &others),
        (false, Wish::Votes) => {
            others.insert(node);
            there.contains(&node) && others.len() <= VOTERS_MAX && is_majority(there, &others)
        }
        (true, Wish::Replaced { by }) => {
            let by = match by {
                Some(by) => {
                    let stays = matches!(members.wishes.get(&by), Some(Wish::Votes | Wish::Learns));
                    Some(by).filter(|by| stays && there.contains(by))
                }
                None => {
                    let mut learners = members.wishes.keys().filter(|other| !voters.contains(other));
                    learners.find(|other| wants_to_vote(other) && there.contains(other)).copied()
                }
            };
            others.extend(by);
            by.is_some() && can_go && is_majority(there, &others)
        }
    }
}
