//! A term of a node is led by one life of it: who crashes as a leader leads again only after another election, since its
//! log may be shorter than what it had sent.

use std::collections::BTreeMap;

use super::{Invariant, Scene};
use crate::observation::{NodeId, Role};

/// Which incarnation led, by term and node.
#[derive(Default)]
pub(super) struct LeadsOnce {
    led: BTreeMap<(u64, NodeId), u32>,
}

impl Invariant for LeadsOnce {
    fn name(&self) -> &'static str {
        "leads once"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (id, node, running) in scene.seen.running().filter(|(_, _, running)| running.role == Role::Leader)
        {
            let first = *self.led.entry((running.term, id)).or_insert(node.incarnation);
            if first != node.incarnation {
                return Err(format!(
                    "node {id} leads term {} again after a restart, without an election",
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

    use super::LeadsOnce;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut LeadsOnce::default(), text, &expected);
    }

    #[test]
    fn a_restarted_leader_is_elected_again() {
        check(
            "
            node:1 leads term=1
            node:1 down | node:2 leads term=2
            node:1 restarts follows term=2 | node:2 follows
            node:1 leads term=3
            ",
            expect![""],
        );
    }

    #[test]
    fn or_it_does_not_lead() {
        check(
            "
            node:1 leads term=1
            node:1 restarts leads term=1
            ",
            expect!["2: node 1 leads term 1 again after a restart, without an election"],
        );
    }
}
