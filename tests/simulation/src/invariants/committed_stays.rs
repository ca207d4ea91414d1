//! What is committed stays so, and is the same in every node.

use std::collections::BTreeMap;

use holdfast_storage::log::LogId;

use super::{Invariant, Scene};
use crate::observation::{NodeId, Running};

/// How far each node's committed entries were compared: incarnation, and the first index that was not.
#[derive(Default)]
pub(super) struct CommittedStays {
    compared: BTreeMap<NodeId, (u32, u64)>,
}

impl Invariant for CommittedStays {
    fn name(&self) -> &'static str {
        "committed stays"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (id, node, running) in scene.seen.running() {
            let Some(committed) = running.committed else { continue };
            let compared = self.compared.entry(id).or_default();
            if compared.0 != node.incarnation {
                *compared = (node.incarnation, 0);
            }
            let from = compared.1.min(running.log.changed_from);
            compare(scene, id, running, from, committed)?;
            compared.1 = committed.index + 1;
        }
        Ok(())
    }
}

/// Compares a node's committed entries with those that were ever committed anywhere.
fn compare(
    scene: &Scene<'_>,
    node: NodeId,
    running: &Running,
    from: u64,
    committed: LogId,
) -> Result<(), String> {
    let agreed = |index| scene.committed.entry(index).map(|entry| entry.id);
    if let Some(agreed) = agreed(committed.index).filter(|agreed| *agreed != committed) {
        return Err(format!("node {node} calls {committed} committed, where {agreed} was"));
    }
    let first = running.log.purged.map_or(0, |purged| purged.index).max(from);
    for index in first..=committed.index {
        match (scene.logs.id_at(node, index), agreed(index)) {
            (Some(here), Some(agreed)) if here != agreed => {
                return Err(format!("node {node} has {here} where {agreed} was committed"));
            }
            (Some(_) | None, _) => (),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::CommittedStays;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut CommittedStays::default(), text, &expected);
    }

    #[test]
    fn nodes_may_know_more_or_less_of_it() {
        check(
            "
            node:1 log=1.1.0,1.1.1,1.1.2 committed=1.1.1 | node:2 log=1.1.0,1.1.1,2.2.2 committed=1.1.0
            node:1 log=1.1.0,1.1.1,2.2.2 committed=2.2.2 | node:2 committed=1.1.1
            node:2 purged=2.2.2 committed=2.2.2 log=
            ",
            expect![""],
        );
    }

    #[test]
    fn two_entries_at_one_index_are_found() {
        check(
            "
            node:1 log=1.1.0,1.1.1 committed=1.1.1
            node:2 log=1.1.0,2.2.1 committed=2.2.1
            ",
            expect!["2: node 2 calls 2.2.1 committed, where 1.1.1 was"],
        );
    }

    #[test]
    fn so_are_they_before_the_committed_one() {
        check(
            "
            node:1 log=1.1.0,1.1.1,3.1.2 committed=3.1.2
            node:2 log=1.1.0,2.2.1,3.1.2 committed=3.1.2
            ",
            expect!["2: node 2 has 2.2.1 where 1.1.1 was committed"],
        );
    }

    #[test]
    fn a_committed_entry_that_is_replaced_is_found() {
        check(
            "
            node:1 log=1.1.0,1.1.1,1.1.2 committed=1.1.2
            node:1 log=1.1.0,2.2.1,2.2.2 committed=1.1.2
            ",
            expect!["2: node 1 has 2.2.1 where 1.1.1 was committed"],
        );
    }
}
