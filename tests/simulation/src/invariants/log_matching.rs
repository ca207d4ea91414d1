//! Log matching: entries with the same id are the same, and so is all before them.

use std::collections::BTreeMap;

use holdfast_storage::log::{LogId, Payload};

use super::{Invariant, Scene};
use crate::observation::NodeId;

/// Every entry that was ever seen in any log.
#[derive(Default)]
pub(super) struct LogMatching {
    known: BTreeMap<LogId, Known>,
}

struct Known {
    payload: Payload,
    /// The entry before it.
    after: Option<LogId>,
    /// Where it was first seen.
    by: NodeId,
}

impl Invariant for LogMatching {
    fn name(&self) -> &'static str {
        "log matching"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (node, _, running) in scene.seen.running() {
            for entry in &running.log.entries {
                let before = entry.id.index.checked_sub(1);
                let after = before.and_then(|before| scene.logs.id_at(node, before));
                let known = self.known.entry(entry.id).or_insert_with(|| Known {
                    payload: entry.payload.clone(),
                    after,
                    by: node,
                });
                if known.payload != entry.payload {
                    return Err(format!(
                        "entry {} is not the same in nodes {} and {node}",
                        entry.id, known.by
                    ));
                }
                // Behind what was purged it may not be known.
                if let (Some(first), Some(second)) = (known.after, after)
                    && first != second
                {
                    return Err(format!(
                        "entry {} stands behind {first} in node {} and behind {second} in node {node}",
                        entry.id, known.by
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::LogMatching;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut LogMatching::default(), text, &expected);
    }

    #[test]
    fn logs_may_part_as_long_as_their_ids_say_so() {
        check(
            "
            node:1 log=1.1.0,1.1.1:a,1.1.2:b | node:2 log=1.1.0,1.1.1:a,2.2.2:c
            node:1 log=1.1.0,1.1.1:a,2.2.2:c
            ",
            expect![""],
        );
    }

    #[test]
    fn the_same_id_with_other_contents_is_found() {
        check(
            "
            node:1 log=1.1.0,1.1.1:a
            node:2 log=1.1.0,1.1.1:b
            ",
            expect!["2: entry 1.1.1 is not the same in nodes 1 and 2"],
        );
    }

    #[test]
    fn the_same_id_behind_another_is_found() {
        check(
            "
            node:1 log=1.1.0,1.1.1 | node:2 log=1.1.0,2.2.1
            node:1 log=1.1.0,1.1.1,3.1.2 | node:2 log=1.1.0,2.2.1,3.1.2
            ",
            expect!["2: entry 3.1.2 stands behind 1.1.1 in node 1 and behind 2.2.1 in node 2"],
        );
    }

    #[test]
    fn a_node_that_changes_an_entry_of_its_own_is_found() {
        check(
            "
            node:1 log=1.1.0:a
            node:1 log=1.1.0:b
            ",
            expect!["2: entry 1.1.0 is not the same in nodes 1 and 1"],
        );
    }
}
