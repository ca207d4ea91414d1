//! What is committed is on the disks of a quorum.

use std::collections::BTreeMap;

use super::{Invariant, Scene};
use crate::observation::{Members, NodeId, Role};

/// The members that each node knew at the last observation: an entry may be committed just before they change.
#[derive(Default)]
pub(super) struct CommittedOnQuorum {
    before: BTreeMap<NodeId, Members>,
}

impl Invariant for CommittedOnQuorum {
    fn name(&self) -> &'static str {
        "committed on a quorum"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let verdict = self.judge(scene);
        for (node, _, running) in scene.seen.running() {
            if self.before.get(&node) != Some(&running.members) {
                self.before.insert(node, running.members.clone());
            }
        }
        verdict
    }
}

impl CommittedOnQuorum {
    fn judge(&self, scene: &Scene<'_>) -> Result<(), String> {
        let Some(news) = scene.committed.news() else { return Ok(()) };
        let is_there = |node| scene.logs.holds_durably(node, news);
        // Those who know of it, or may have decided it: the leader judges by the members it knows then.
        let witnesses = scene.seen.running().filter(|(_, _, running)| {
            running.committed.is_some_and(|committed| committed.index >= news.index)
                || running.role == Role::Leader
        });
        let mut members =
            witnesses.flat_map(|(node, _, running)| [Some(&running.members), self.before.get(&node)]);
        if members.any(|members| members.is_some_and(|members| members.is_quorum(is_there))) {
            return Ok(());
        }
        let holders: Vec<NodeId> = scene.seen.nodes.keys().copied().filter(|node| is_there(*node)).collect();
        Err(format!("entry {news} is called committed, but is only on the disks of {holders:?}"))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::CommittedOnQuorum;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut CommittedOnQuorum::default(), text, &expected);
    }

    #[test]
    fn two_of_three_are_enough_whoever_they_are() {
        check(
            "
            node:1 leads log=1.1.0 durable=1.1.0 | node:2 log=1.1.0 durable=1.1.0 | node:3
            node:1 log=1.1.0,1.1.1 committed=1.1.0
            node:2 log=1.1.0,1.1.1 durable=1.1.1 | node:3 log=1.1.0,1.1.1 durable=1.1.1
            node:2 down | node:1 committed=1.1.1
            ",
            expect![""],
        );
    }

    #[test]
    fn one_disk_is_not() {
        check(
            "
            node:1 leads log=1.1.0 durable=1.1.0 | node:2 log=1.1.0
            node:1 committed=1.1.0
            ",
            expect!["2: entry 1.1.0 is called committed, but is only on the disks of [1]"],
        );
    }

    #[test]
    fn nor_is_another_entry_at_the_same_index() {
        check(
            "
            node:1 leads log=1.1.0,2.1.1 durable=2.1.1 | node:2 log=1.1.0,1.1.1 durable=1.1.1
            node:1 committed=2.1.1
            ",
            expect!["2: entry 2.1.1 is called committed, but is only on the disks of [1]"],
        );
    }

    #[test]
    fn while_members_change_it_takes_a_majority_of_both_sets() {
        let log = "log=1.1.0 durable=1.1.0 voters=1,2,3/3,4,5";
        check(
            &format!("node:1 leads {log} committed=1.1.0 | node:2 {log} | node:3 {log}"),
            expect!["1: entry 1.1.0 is called committed, but is only on the disks of [1, 2, 3]"],
        );
        check(&format!("node:1 leads {log} committed=1.1.0 | node:3 {log} | node:4 {log}"), expect![""]);
    }
}
