//! Who belonged to the cluster, one committed membership after the other.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_raft::{ProbedMembership, Wish};
use holdfast_storage::log::Payload;

use super::committed::Committed;
use crate::observation::NodeId;

/// The members as a committed entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The index of the entry.
    pub at: u64,
    /// One set of voters, or two while a change is under way.
    pub voters: Vec<BTreeSet<NodeId>>,
    /// All members, and what is wanted of each.
    pub wishes: BTreeMap<NodeId, Wish>,
}

/// Every membership that was ever seen committed.
#[derive(Debug, Default)]
pub struct Memberships {
    newest: Option<Membership>,
    /// Members that are none any more.
    gone: BTreeSet<NodeId>,
    /// Members that voted once.
    voted: BTreeSet<NodeId>,
    /// Members that voted once, and then only learnt.
    stood_down: BTreeSet<NodeId>,
    /// The next index to be looked at.
    next: u64,
    /// What is new: each membership, the one right before it, and who was gone by then.
    news: Vec<(Membership, Membership, BTreeSet<NodeId>)>,
}

impl Memberships {
    pub(crate) fn observe(&mut self, committed: &Committed) -> Result<(), String> {
        self.news.clear();
        for entry in committed.from(self.next) {
            let has_gap = entry.id.index != self.next;
            self.next = entry.id.index + 1;
            let Payload::Membership(bytes) = &entry.payload else { continue };
            let decoded = ProbedMembership::decode(bytes);
            let decoded = decoded.map_err(|error| format!("the membership {}: {error}", entry.id))?;
            let ProbedMembership { voters, wishes } = decoded;
            self.follow(Membership { at: entry.id.index, voters, wishes }, has_gap);
        }
        Ok(())
    }

    fn follow(&mut self, now: Membership, has_gap: bool) {
        if let Some(before) = self.newest.take() {
            let left = before.wishes.keys().filter(|node| !now.wishes.contains_key(node));
            let left: Vec<NodeId> = left.copied().collect();
            if !has_gap {
                self.news.push((before, now.clone(), self.gone.clone()));
            }
            self.gone.extend(left);
        }
        if !now.is_joint() {
            let voters = now.voters_to_be();
            let learns = |node: &&NodeId| !voters.contains(node) && self.voted.contains(node);
            self.stood_down.extend(now.wishes.keys().filter(learns));
            self.voted.extend(voters);
        }
        self.newest = Some(now);
    }

    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Option<&Membership> {
        self.newest.as_ref()
    }

    /// Whether a node was a member and is none any more.
    #[must_use]
    pub fn has_gone(&self, node: NodeId) -> bool {
        self.gone.contains(&node)
    }

    /// Whether a node has ever voted.
    #[must_use]
    pub fn has_voted(&self, node: NodeId) -> bool {
        self.voted.contains(&node)
    }

    /// Whether a node that voted has ever been one that only learns, or is one that never voted.
    #[must_use]
    pub fn has_learnt(&self, node: NodeId) -> bool {
        self.stood_down.contains(&node) || !self.voted.contains(&node)
    }

    /// What is new with the newest observation: what was, what is, and who was gone before.
    pub(crate) fn news(&self) -> impl Iterator<Item = &(Membership, Membership, BTreeSet<NodeId>)> {
        self.news.iter()
    }
}

impl Membership {
    /// Whether a change of voters is under way.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        self.voters.len() > 1
    }

    /// Whether these nodes are a majority of each set of voters.
    #[must_use]
    pub fn is_quorum(&self, is_in: impl Fn(NodeId) -> bool) -> bool {
        let voters = &self.voters;
        voters.iter().all(|set| 2 * set.iter().filter(|node| is_in(**node)).count() > set.len())
    }

    /// Who votes when the change that is under way is over.
    #[must_use]
    pub fn voters_to_be(&self) -> BTreeSet<NodeId> {
        self.voters.last().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// `1,2,3/1,2 4 5x` at an index: sets of voters, then those who do not vote; `x` is to be removed.
    pub(crate) fn membership(at: u64, text: &str) -> Membership {
        let mut words = text.split_whitespace();
        let node = |word: &str| -> (NodeId, Wish) {
            match word.strip_suffix('x') {
                Some(id) => (id.parse().unwrap(), Wish::Removed),
                None => (word.parse().unwrap(), Wish::Votes),
            }
        };
        let sets: Vec<Vec<(NodeId, Wish)>> =
            words.next().unwrap().split('/').map(|set| set.split(',').map(node).collect()).collect();
        let voters = sets.iter().map(|set| set.iter().map(|(id, _)| *id).collect()).collect();
        let wishes = sets.into_iter().flatten().chain(words.map(node)).collect();
        Membership { at, voters, wishes }
    }

    #[test]
    fn who_leaves_is_gone_for_good() {
        let mut memberships = Memberships::default();
        for (at, text) in [(1, "1,2,3"), (5, "1,2 3x"), (7, "1,2"), (9, "1,2 8")] {
            memberships.follow(membership(at, text), false);
        }
        assert!(memberships.has_gone(3) && !memberships.has_gone(8));
        assert_eq!(memberships.news().count(), 3);
    }

    #[test]
    fn who_stops_voting_without_leaving_has_stood_down() {
        let mut memberships = Memberships::default();
        memberships.follow(membership(1, "1,2,3"), false);
        memberships.follow(membership(2, "1,2,3/1,2"), false);
        assert!(memberships.has_voted(3) && !memberships.has_learnt(3), "it votes until the change is over");
        memberships.follow(membership(3, "1,2 3"), false);
        assert!(memberships.has_learnt(3) && !memberships.has_voted(8) && memberships.has_learnt(8));
    }
}
