//! Who belongs to the cluster, as far as can be seen from outside: who may be taken away, and who comes.

use std::collections::BTreeSet;

use holdfast_raft::Goal;

use super::World;
use crate::chance::Chance;
use crate::disk::Disk;
use crate::host::{Host, HostOptions};
use crate::invariants::Membership;
use crate::node::{Beginning, NodeWish};
use crate::observation::NodeId;

impl World {
    /// The id of the node on a host, once it has one.
    #[must_use]
    pub fn id_of(&self, position: usize) -> Option<NodeId> {
        self.watcher.id_of(position)
    }

    /// The host of a node.
    #[must_use]
    pub fn host_of(&self, node: NodeId) -> Option<usize> {
        (0..self.hosts.len()).find(|position| self.id_of(*position) == Some(node))
    }

    /// The members that all agree on.
    #[must_use]
    pub fn membership(&self) -> Option<&Membership> {
        self.invariants.memberships().newest()
    }

    /// Whether the node on a host is one of them.
    #[must_use]
    pub fn is_member(&self, position: usize) -> bool {
        let id = self.id_of(position);
        let is_listed = |members: &Membership| id.is_some_and(|id| members.wishes.contains_key(&id));
        !self.hosts[position].is_gone && self.membership().is_some_and(is_listed)
    }

    /// Whether the node on a host was a member and is none any more.
    #[must_use]
    pub fn has_left(&self, position: usize) -> bool {
        self.id_of(position).is_some_and(|id| self.invariants.memberships().has_gone(id))
    }

    /// Every set of voters that may count now.
    fn sets_of_voters(&self) -> BTreeSet<BTreeSet<NodeId>> {
        let newest = self.membership();
        let since = newest.map_or(0, |members| members.at);
        let newer = self.watcher.members_since(since).flat_map(|members| &members.voters);
        newest.into_iter().flat_map(|members| &members.voters).chain(newer).cloned().collect()
    }

    /// Whether nodes on these hosts are a majority, whichever of the members that anybody knew last are the newest.
    #[must_use]
    pub fn is_quorum(&self, hosts: &[usize]) -> bool {
        let ids: BTreeSet<NodeId> = hosts.iter().filter_map(|host| self.id_of(*host)).collect();
        let sets = self.sets_of_voters();
        !sets.is_empty() && sets.iter().all(|voters| is_majority(&ids, voters))
    }

    /// Whether nodes on these hosts will be a majority, whatever becomes of what was asked for: whoever is to go goes, and
    /// whoever learns votes.
    #[must_use]
    pub fn stays_quorum(&self, hosts: &[usize], goes: Option<NodeId>) -> bool {
        let whole: BTreeSet<NodeId> = hosts.iter().filter_map(|host| self.id_of(*host)).collect();
        let members = self.membership().into_iter().flat_map(|members| members.wishes.keys());
        let members: BTreeSet<NodeId> = members.copied().collect();
        let sets = self.sets_of_voters();
        !sets.is_empty()
            && sets.iter().all(|voters| {
                let leaving = self.leaving.iter().copied().chain(goes).collect::<BTreeSet<_>>();
                let leaving = leaving.iter().filter(|node| voters.contains(node) && whole.contains(node));
                let left = voters.intersection(&whole).count().saturating_sub(leaving.clone().count());
                let broken = members.difference(voters).filter(|node| !whole.contains(node)).count();
                2 * left > voters.len() - leaving.count() + broken
            })
    }

    /// Whether a node may stop voting without a majority of those who are left having lost their disks, or having wrong
    /// clocks.
    #[must_use]
    pub fn may_go(&self, node: NodeId) -> bool {
        self.stays_quorum(&self.whole(), Some(node))
            && self.stays_quorum(&self.with_right_clocks(), Some(node))
    }

    /// The hosts that have lost nothing.
    fn whole(&self) -> Vec<usize> {
        (0..self.hosts.len()).filter(|host| !self.lost.contains(host)).collect()
    }

    /// The hosts whose wall clocks are right.
    #[must_use]
    pub fn with_right_clocks(&self) -> Vec<usize> {
        (0..self.hosts.len()).filter(|host| !self.hosts[*host].plan.clock.is_wrong()).collect()
    }

    /// A member's host that may lose its disk without more than a minority having lost theirs.
    pub fn may_lose(&self, chance: &mut Chance) -> Option<usize> {
        let whole = self.whole();
        let mut some = whole.clone();
        // Whose disk is elsewhere would lose another's.
        some.retain(|host| self.is_member(*host) && !self.swapped.contains(host));
        let position = if some.is_empty() { None } else { Some(*chance.pick(&some)) };
        position.filter(|position| {
            let others: Vec<usize> = whole.iter().copied().filter(|host| host != position).collect();
            self.stays_quorum(&others, None)
        })
    }

    /// Adds a node, on a spare machine or on one whose node has left for good; it joins those that are there.
    pub fn add_host(&mut self, chance: &mut Chance) -> Option<usize> {
        let machines = self.options.nodes + self.options.spares;
        let machine = self.hosts.len();
        let stays_learner = chance.percent(25);
        if machine < machines {
            // Whoever is there by then, or was before.
            let others = (0..machines).filter(|other| *other != machine).collect();
            let (begins, raft) = (Beginning::IsOver, self.options.raft.clone());
            let outside = self.outside.clone();
            let options = HostOptions { machine, others, begins, raft, outside, stays_learner };
            self.hosts.push(Host::new(options, &self.net, &self.time, chance));
            return Some(machine);
        }
        let position = (0..machines).find(|position| self.hosts[*position].is_gone)?;
        self.regain(position);
        self.hosts[position].begin_anew(Disk::new(chance.fork()), stays_learner);
        Some(position)
    }

    /// Asks some node for a change of the members; `false` if there is none.
    pub fn ask_for(&mut self, goal: Goal, chance: &mut Chance) -> bool {
        let mut up = self.up();
        up.retain(|position| self.hosts[*position].plan.state().replica.is_some());
        if up.is_empty() {
            return false;
        }
        match goal {
            Goal::Remove { node } | Goal::Drain { node } | Goal::Replace { node, .. } => {
                self.leaving.insert(node);
            }
            Goal::Promote { .. } | Goal::Transfer { .. } => (),
        }
        let asked = *chance.pick(&up);
        let now_ms = self.time.now_ms();
        self.trace.note(|| format!("{now_ms} machine {asked} is asked to {goal}"));
        self.hosts[asked].plan.state().wishes.push(NodeWish::Change(goal));
        true
    }

    /// Follows which node is on which machine, and tells the clients.
    pub(super) fn follow_hosts(&mut self) {
        for position in 0..self.hosts.len() {
            let id = self.id_of(position);
            let known = self.ids.insert(position, id).flatten();
            if known.is_some() && id != known {
                // It came back as another one, with a disk of its own.
                self.hosts[position].begin_series();
                self.regain(position);
            }
        }
        if (0..self.hosts.len()).any(|position| self.has_left(position)) {
            self.load.retire_keys();
        }
        let is_known = |position: &usize| {
            let host = &self.hosts[*position];
            !host.is_gone && (*position < self.options.nodes || self.id_of(*position).is_some())
        };
        let hosts = (0..self.hosts.len()).filter(is_known).map(|position| &self.hosts[position]);
        self.load.set_nodes(hosts.map(|host| (host.number(), host.series())).collect());
    }
}

/// Whether some are a majority of others.
pub(super) fn is_majority(some: &BTreeSet<NodeId>, of: &BTreeSet<NodeId>) -> bool {
    2 * of.intersection(some).count() > of.len()
}
