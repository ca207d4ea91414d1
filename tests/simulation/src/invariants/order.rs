//! In every node purged <= snapshot <= applied <= committed <= last. (Not applied <= durable: a quorum of others may do.)

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_storage::log::LogId;

use super::{Invariant, Scene};
use crate::observation::{NodeId, Running};

/// openraft purges only what an installed snapshot holds durably, but tells of that snapshot later: at the end of a round
/// in which it may also have waited for a slow disk.
const TOLD_DURATION_MAX: Duration = Duration::from_secs(5);

/// Since when the log of each node seems to be purged beyond its snapshot.
#[derive(Default)]
pub(super) struct PointersInOrder {
    purged_beyond: BTreeMap<NodeId, Duration>,
}

impl Invariant for PointersInOrder {
    fn name(&self) -> &'static str {
        "pointers in order"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let at = scene.seen.at;
        for (id, node, running) in scene.seen.running() {
            let is_beyond = index(running.log.purged) > index(running.snapshot);
            let since = match is_beyond {
                // The round goes on for as long as its disk or its machine makes it.
                true if node.is_paused || node.crawls || node.has_slow_disk => {
                    self.purged_beyond.insert(id, at);
                    at
                }
                true => *self.purged_beyond.entry(id).or_insert(at),
                false => {
                    self.purged_beyond.remove(&id);
                    at
                }
            };
            let is_told = !is_beyond || at.saturating_sub(since) > TOLD_DURATION_MAX;
            in_order(running, is_told).map_err(|problem| format!("node {id}: {problem}"))?;
        }
        Ok(())
    }
}

fn index(id: Option<LogId>) -> Option<u64> {
    id.map(|id| id.index)
}

fn in_order(running: &Running, is_told: bool) -> Result<(), String> {
    let snapshot = if is_told { running.snapshot } else { running.snapshot.max(running.log.purged) };
    let pointers = [
        ("purged", index(running.log.purged)),
        ("snapshot", index(snapshot)),
        ("applied", index(running.state.applied)),
        ("committed", index(running.committed)),
        // What a snapshot brought is as good as in the log.
        ("last", index(running.log.last).max(index(running.snapshot))),
    ];
    for pair in pointers.windows(2) {
        let [(lower, low), (upper, high)] = pair else { continue };
        if low > high {
            return Err(format!("{lower} {low:?} is beyond {upper} {high:?}"));
        }
    }
    if index(running.log.durable) > index(running.log.last) {
        return Err("more is durable than there is".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::PointersInOrder;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut PointersInOrder::default(), text, &expected);
    }

    #[test]
    fn each_pointer_is_behind_the_next() {
        check(
            "
            node:1 log=1.1.0,1.1.1,1.1.2,1.1.3 applied=1.1.2 committed=1.1.2
            node:1 snapshot=1.1.2 purged=1.1.1 log=1.1.2,1.1.3
            ",
            expect![""],
        );
    }

    #[test]
    fn what_is_out_of_order_is_found() {
        let log = "node:1 log=1.1.0,1.1.1,1.1.2,1.1.3";
        let orders = [
            ("committed=1.1.1 applied=1.1.2", "1: node 1: applied Some(2) is beyond committed Some(1)"),
            ("committed=1.1.4", "1: node 1: committed Some(4) is beyond last Some(3)"),
            ("durable=1.1.4", "1: node 1: more is durable than there is"),
        ];
        for (pointers, says) in orders {
            let seen = testing::observations(&format!("{log} {pointers}"));
            assert_eq!(testing::verdict(&mut PointersInOrder::default(), &seen), says);
        }
    }

    #[test]
    fn a_log_is_purged_up_to_its_snapshot_but_for_a_moment() {
        let log = "at=0 node:1 log=1.1.0,1.1.1,1.1.2,1.1.3 committed=1.1.3 applied=1.1.3 snapshot=1.1.1";
        let told = |at, then| format!("{log}\nat=10 node:1 purged=1.1.2\nat={at} node:1 {then}");
        check(&told(20, "snapshot=1.1.2"), expect![""]);
        check(&told(6000, "term=1"), expect!["3: node 1: purged Some(2) is beyond snapshot Some(1)"]);
    }
}
