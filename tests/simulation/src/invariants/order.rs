//! In every node purged <= snapshot <= applied <= committed <= last. (Not applied <= durable: a quorum of others may do.)

use holdfast_storage::log::LogId;

use super::{Invariant, Scene};
use crate::observation::Running;

#[derive(Default)]
pub(super) struct PointersInOrder;

impl Invariant for PointersInOrder {
    fn name(&self) -> &'static str {
        "pointers in order"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (id, _, running) in scene.seen.running() {
            in_order(running).map_err(|problem| format!("node {id}: {problem}"))?;
        }
        Ok(())
    }
}

fn in_order(running: &Running) -> Result<(), String> {
    let index = |id: Option<LogId>| id.map(|id| id.index);
    let pointers = [
        ("purged", index(running.log.purged)),
        ("snapshot", index(running.snapshot)),
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
        testing::check(&mut PointersInOrder, text, &expected);
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
            (
                "committed=1.1.3 applied=1.1.3 snapshot=1.1.1 purged=1.1.2",
                "1: node 1: purged Some(2) is beyond snapshot Some(1)",
            ),
        ];
        for (pointers, says) in orders {
            let seen = testing::observations(&format!("{log} {pointers}"));
            assert_eq!(testing::verdict(&mut PointersInOrder, &seen), says);
        }
    }
}
