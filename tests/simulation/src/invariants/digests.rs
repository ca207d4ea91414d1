//! INV-8: nodes that have applied the same entries hold the same rows.

use std::collections::BTreeMap;

use super::{Invariant, Scene};
use crate::observation::NodeId;

/// The first digest seen at each applied index, and whose it was.
#[derive(Default)]
pub(super) struct SameDigests {
    known: BTreeMap<u64, (u128, NodeId)>,
}

impl Invariant for SameDigests {
    fn name(&self) -> &'static str {
        "same digests (INV-8)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (node, _, running) in scene.seen.running() {
            let (Some(applied), Some(digest)) = (running.state.applied, running.state.digest) else {
                continue;
            };
            let (first, by) = *self.known.entry(applied.index).or_insert((digest, node));
            if first != digest {
                return Err(format!(
                    "nodes {by} and {node} have both applied {applied} and hold different rows"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::SameDigests;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut SameDigests::default(), text, &expected);
    }

    #[test]
    fn digests_are_compared_by_what_was_applied_whenever_that_is() {
        check(
            "
            node:1 applied=1.1.1 digest=10 | node:2 applied=1.1.2 digest=20
            node:1 applied=1.1.2 digest=20 | node:2 applied=1.1.3 digest=30
            ",
            expect![""],
        );
        check(
            "
            node:1 applied=1.1.1 digest=10 | node:2
            node:1 applied=1.1.2 digest=20
            node:2 applied=1.1.1 digest=11
            ",
            expect!["3: nodes 1 and 2 have both applied 1.1.1 and hold different rows"],
        );
    }

    #[test]
    fn so_are_those_of_one_node_before_and_after_a_restart() {
        check(
            "
            node:1 applied=1.1.1 digest=10
            node:1 restarts applied=1.1.1 digest=11
            ",
            expect!["2: nodes 1 and 1 have both applied 1.1.1 and hold different rows"],
        );
    }
}
