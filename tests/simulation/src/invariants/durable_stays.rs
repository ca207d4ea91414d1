//! INV-9: what a node reported durable is there when it comes back, or it does not come back.

use std::collections::BTreeMap;

use holdfast_storage::log::LogId;

use super::{Invariant, Scene};
use crate::observation::NodeId;

/// What each node has promised.
#[derive(Default)]
pub(super) struct DurableStays {
    promised: BTreeMap<NodeId, (u32, Option<LogId>)>,
}

impl Invariant for DurableStays {
    fn name(&self) -> &'static str {
        "durable stays (INV-9)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (id, node, running) in scene.seen.running() {
            let now = (node.incarnation, running.log.durable);
            let Some((incarnation, Some(promised))) = self.promised.insert(id, now) else { continue };
            if incarnation != node.incarnation && !scene.logs.holds(id, promised) {
                let last = running.log.last.map_or("nothing".to_owned(), |last| last.to_string());
                return Err(format!(
                    "node {id} had entry {promised} on its disk, and came back with {last} after {:?}",
                    node.ended
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::DurableStays;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut DurableStays::default(), text, &expected);
    }

    #[test]
    fn only_what_was_not_durable_is_lost() {
        check(
            "
            node:1 log=1.1.0,1.1.1 durable=1.1.0
            node:1 down
            node:1 returns-from-power-loss log=1.1.0 durable=1.1.0
            node:1 log=1.1.0,1.1.1,1.1.2 durable=1.1.2
            node:1 restarts purged=1.1.2
            ",
            expect![""],
        );
    }

    #[test]
    fn a_lost_entry_is_found_also_when_another_is_in_its_place() {
        check(
            "
            node:1 log=1.1.0,1.1.1 durable=1.1.1
            node:1 down
            node:1 returns-from-power-loss log=1.1.0 durable=1.1.0
            ",
            expect!["3: node 1 had entry 1.1.1 on its disk, and came back with 1.1.0 after PowerLost"],
        );
        check(
            "
            node:1 log=1.1.0,1.1.1 durable=1.1.1
            node:1 returns-from-disk-loss log=1.1.0,2.2.1 durable=2.2.1
            ",
            expect!["2: node 1 had entry 1.1.1 on its disk, and came back with 2.2.1 after DiskLost"],
        );
    }
}
