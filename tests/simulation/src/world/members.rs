//! Who belongs to the cluster, as far as can be seen from outside: who may be taken away, who comes, and what must be
//! over when all is healed.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use holdfast_raft::{ChangeError, Goal, VOTERS_MAX, Wish};

use super::World;
use crate::chance::Chance;
use crate::disk::Disk;
use crate::host::{Host, HostOptions};
use crate::invariants::{Membership, Violation};
use crate::node::{Beginning, Exit, NodeWish};
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
            let options = HostOptions { machine, others, begins, raft, stays_learner };
            self.hosts.push(Host::new(options, &self.net, &self.time, chance));
            return Some(machine);
        }
        let position = (0..machines).find(|position| self.hosts[*position].is_gone)?;
        self.lost.remove(&position);
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

    /// Takes in what was said to those who asked for changes.
    pub(super) fn hear_of_changes(&mut self, position: usize) {
        let plan = self.hosts[position].plan.clone();
        let told = std::mem::take(&mut *plan.told.lock().unwrap_or_else(PoisonError::into_inner));
        for (goal, told) in told {
            let answer = match &told {
                Ok(change) if change.is_done() => "changed".to_owned(),
                Ok(_) => "begun".to_owned(),
                Err(ChangeError::Refused { code, .. }) => format!("refused {}", code.as_str()),
                Err(ChangeError::Unavailable(_)) => "unavailable".to_owned(),
                Err(ChangeError::Unknown) => "unknown".to_owned(),
            };
            self.recorder.count(&self.trace, name_of(goal), &answer);
            if let (Goal::Remove { node } | Goal::Replace { node, .. }, "changed") = (goal, answer.as_str()) {
                self.said_gone.push((goal, node));
            }
        }
    }

    /// Who is said to be gone is gone.
    pub(super) fn judge_said(&mut self) -> Result<(), Violation> {
        let said = std::mem::take(&mut self.said_gone);
        match said.into_iter().find(|(_, node)| !self.invariants.memberships().has_gone(*node)) {
            None => Ok(()),
            Some((goal, _)) => {
                let says = format!("{goal} is done, and it is there");
                Err(self.violation("members are gone when it is said", says))
            }
        }
    }

    /// Judges that a node has ended by itself; whether it is to be started again.
    pub(super) fn judge_end(&mut self, position: usize, exit: Option<&Exit>) -> Result<bool, Violation> {
        let (id, has_left) = (self.id_of(position), self.has_left(position));
        let is_at_home = !self.swapped.contains(&position);
        let may_end = self.may_end.contains(&position);
        let remembers = std::mem::replace(&mut self.hosts[position].was_told, false);
        match exit {
            Some(Exit::Removed(node)) => {
                if !self.invariants.memberships().has_gone(*node) {
                    let says = format!("node {node} was told that it was removed, and is a member");
                    return Err(self.violation("nobody is sent away without a reason", says));
                }
                if remembers && !may_end {
                    let says = format!("node {node} took part again after it was told that it was removed");
                    return Err(self.violation("who was removed remembers it", says));
                }
                self.hosts[position].was_told = is_at_home;
                Ok(true)
            }
            Some(Exit::Refused(says)) if is_at_home && (has_left || says.contains("was removed from")) => {
                if id.is_some() && !has_left {
                    let says = format!("machine {position} is refused, and its node is a member: {says}");
                    return Err(self.violation("nobody is sent away without a reason", says));
                }
                self.hosts[position].is_gone = true;
                Ok(false)
            }
            Some(_) | None if may_end => Ok(true),
            Some(_) | None => {
                let says = format!("machine {position}, whose disk is well, ended by itself: {exit:?}");
                Err(self.violation("nobody ends without a reason", says))
            }
        }
    }

    fn violation(&self, invariant: &'static str, says: String) -> Violation {
        Violation { invariant, at: Duration::from_millis(self.time.now_ms()), says }
    }

    /// Follows which node is on which machine, and tells the clients.
    pub(super) fn follow_hosts(&mut self) {
        for position in 0..self.hosts.len() {
            let id = self.id_of(position);
            let known = self.ids.insert(position, id).flatten();
            if known.is_some() && id != known {
                // It came back as another one, with a disk of its own.
                self.hosts[position].begin_series();
                self.lost.remove(&position);
            }
        }
        let is_known = |position: &usize| {
            let host = &self.hosts[*position];
            !host.is_gone && (*position < self.options.nodes || self.id_of(*position).is_some())
        };
        let hosts = (0..self.hosts.len()).filter(is_known).map(|position| &self.hosts[position]);
        self.load.set_nodes(hosts.map(|host| (host.number(), host.series())).collect());
    }

    /// What is still to be done about the members, though nothing keeps the leader from it: nothing, once all is well.
    #[must_use]
    pub fn unfinished(&self, core: &[usize]) -> Option<String> {
        let members = self.membership()?;
        if members.is_joint() {
            return Some(format!("the voters are {:?}", members.voters));
        }
        let there: BTreeSet<NodeId> = core.iter().filter_map(|host| self.id_of(*host)).collect();
        let leader = self.leader().and_then(|host| self.id_of(host))?;
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

fn is_majority(some: &BTreeSet<NodeId>, of: &BTreeSet<NodeId>) -> bool {
    2 * of.intersection(some).count() > of.len()
}

fn name_of(goal: Goal) -> &'static str {
    match goal {
        Goal::Remove { .. } => "remove_node",
        Goal::Promote { .. } => "promote_node",
        Goal::Replace { .. } => "replace_node",
        Goal::Drain { .. } => "drain_node",
        Goal::Transfer { .. } => "transfer_leader",
    }
}
