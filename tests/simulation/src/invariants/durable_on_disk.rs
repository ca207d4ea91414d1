//! INV-9: what a node reports durable is on its disk at that moment, whatever the node believes.

use super::{Invariant, Scene};
use crate::observation::{Running, rank};

#[derive(Default)]
pub(super) struct DurableOnDisk;

impl Invariant for DurableOnDisk {
    fn name(&self) -> &'static str {
        "durable is on the disk (INV-9)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        scene.seen.running().try_for_each(|(id, _, running)| {
            check_vote(running)
                .and_then(|()| check_entries(running))
                .map_err(|says| format!("node {id}: {says}"))
        })
    }
}

fn check_vote(running: &Running) -> Result<(), String> {
    let (reported, on_disk) = (running.vote.map(rank), running.vote_on_disk.map(rank));
    match reported > on_disk {
        true => Err(format!("vote {reported:?} was reported durable, on its disk is {on_disk:?}")),
        false => Ok(()),
    }
}

fn check_entries(running: &Running) -> Result<(), String> {
    let Some(reported) = running.log.durable else { return Ok(()) };
    // What was purged is in a snapshot.
    let held = running.log.on_disk.max(running.log.purged);
    match held.is_none_or(|held| held.index < reported.index) {
        true => {
            let held = held.map_or("nothing".to_owned(), |held| held.to_string());
            Err(format!("entry {reported} was reported durable, its disk ends with {held}"))
        }
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::DurableOnDisk;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut DurableOnDisk, text, &expected);
    }

    #[test]
    fn more_may_be_on_the_disk_than_is_reported() {
        check(
            "
            node:1 log=1.1.0,1.1.1 durable=1.1.0 on-disk=1.1.1 vote=1.1 vote-on-disk=1.1c
            node:1 log=1.1.0,1.1.1 durable=1.1.1
            node:1 vote=1.1c vote-on-disk=1.2
            node:1 purged=1.1.1 log=
            ",
            expect![""],
        );
    }

    #[test]
    fn an_entry_that_is_reported_too_early_is_found() {
        check(
            "
            node:1 log=1.1.0,1.1.1 durable=1.1.1
            node:1 log=1.1.0,1.1.1,1.1.2 durable=1.1.2 on-disk=1.1.1
            ",
            expect!["2: node 1: entry 1.1.2 was reported durable, its disk ends with 1.1.1"],
        );
    }

    #[test]
    fn so_is_a_vote() {
        check(
            "
            node:1 vote=1.1c
            node:1 vote=2.2 vote-on-disk=1.1c
            ",
            expect![
                "2: node 1: vote Some((2, 2, false)) was reported durable, on its disk is Some((1, 1, true))"
            ],
        );
    }
}
