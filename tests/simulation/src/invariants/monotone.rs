//! While a node runs, its vote, term, committed, applied, snapshot and purged entry and its log's durable end only go
//! forward; over a restart its vote and its committed log do.

use std::collections::BTreeMap;

use holdfast_storage::log::LogId;

use super::{Invariant, Scene};
use crate::observation::{NodeId, Running, rank};

/// What each node has reached.
#[derive(Default)]
pub(super) struct Monotone {
    reached: BTreeMap<NodeId, Reached>,
}

#[derive(Clone, Copy, Default)]
struct Reached {
    incarnation: u32,
    vote: (u64, u64, bool),
    term: u64,
    committed: Option<u64>,
    applied: Option<u64>,
    snapshot: Option<u64>,
    purged: Option<u64>,
}

impl Invariant for Monotone {
    fn name(&self) -> &'static str {
        "monotone"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (id, node, running) in scene.seen.running() {
            let now = Reached::of(node.incarnation, running);
            if let Some(before) = self.reached.insert(id, now) {
                now.follows(&before).map_err(|problem| format!("node {id}: {problem}"))?;
            }
        }
        Ok(())
    }
}

impl Reached {
    fn of(incarnation: u32, running: &Running) -> Self {
        let index = |id: Option<LogId>| id.map(|id| id.index);
        Self {
            incarnation,
            vote: running.vote.map(rank).unwrap_or_default(),
            term: running.term,
            committed: index(running.committed),
            applied: index(running.state.applied),
            snapshot: index(running.snapshot),
            purged: index(running.log.purged),
        }
    }

    fn follows(&self, before: &Self) -> Result<(), String> {
        // A vote counts only once it is durable, so it survives everything.
        if self.vote < before.vote {
            let ((term, node, _), (was, of, _)) = (self.vote, before.vote);
            return Err(format!("the vote {was}.{of} was taken back for {term}.{node}"));
        }
        if self.incarnation != before.incarnation {
            return Ok(());
        }
        if self.term < before.term {
            return Err(format!("the term went from {} back to {}", before.term, self.term));
        }
        let pairs = [
            ("committed", before.committed, self.committed),
            ("applied", before.applied, self.applied),
            ("snapshot", before.snapshot, self.snapshot),
            ("purged", before.purged, self.purged),
        ];
        match pairs.into_iter().find(|(_, before, now)| now < before) {
            Some((name, before, now)) => Err(format!("{name} went from {before:?} back to {now:?}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::Monotone;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut Monotone::default(), text, &expected);
    }

    #[test]
    fn forward_is_fine_and_a_restart_may_forget_what_is_only_a_hint() {
        check(
            "
            node:1 term=1 vote=1.1 committed=1.1.3 applied=1.1.3
            node:1 term=1 vote=1.1c committed=1.1.4 applied=1.1.3
            node:1 term=2 vote=2.1
            node:1 restarts term=2 vote=2.1 committed=1.1.2 applied=1.1.1
            ",
            expect![""],
        );
    }

    #[test]
    fn going_back_is_not() {
        check(
            "
            node:1 committed=1.1.3
            node:1 committed=1.1.2
            ",
            expect!["2: node 1: committed went from Some(3) back to Some(2)"],
        );
        check(
            "
            node:1 term=3
            node:1 term=2
            ",
            expect!["2: node 1: the term went from 3 back to 2"],
        );
    }

    #[test]
    fn a_vote_survives_everything() {
        check(
            "
            node:1 vote=3.2
            node:1 down
            node:1 returns-from-power-loss vote=3.1
            ",
            expect!["3: node 1: the vote 3.2 was taken back for 3.1"],
        );
    }
}
