//! Leader completeness: whoever leads holds everything that was committed by itself or by leaders before it.

use super::{Invariant, Scene};
use crate::observation::Role;

#[derive(Default)]
pub(super) struct LeaderCompleteness;

impl Invariant for LeaderCompleteness {
    fn name(&self) -> &'static str {
        "leader completeness"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let Some(committed) = scene.committed.furthest() else { return Ok(()) };
        let leaders = scene.seen.running().filter(|(_, _, running)| running.role == Role::Leader);
        for (node, _, running) in leaders {
            // A leader of earlier that has not heard of its end yet commits nothing any more.
            let is_later = (running.term, node) >= (committed.term, committed.node);
            if is_later && !scene.logs.holds(node, committed) {
                return Err(format!(
                    "node {node} leads term {} without entry {committed}, which is committed",
                    running.term
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::LeaderCompleteness;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut LeaderCompleteness, text, &expected);
    }

    #[test]
    fn a_new_leader_holds_what_is_committed_and_an_old_one_need_not() {
        check(
            "
            node:1 leads term=1 log=1.1.0,1.1.1 committed=1.1.1
            node:2 leads term=2 log=1.1.0,1.1.1
            node:2 log=1.1.0,1.1.1,2.2.2 committed=2.2.2
            node:2 purged=2.2.2 log=
            ",
            expect![""],
        );
    }

    #[test]
    fn a_leader_that_lacks_something_is_found() {
        check(
            "
            node:1 leads term=1 log=1.1.0,1.1.1 committed=1.1.1
            node:1 down | node:2 leads term=2 log=1.1.0
            ",
            expect!["2: node 2 leads term 2 without entry 1.1.1, which is committed"],
        );
    }
}
