//! INV-1 and CONTRACT, Time: agreed time never goes back, is the same after the same entry, and is never further ahead
//! than a clock that a majority agreed with and the pace of a monotonic clock can have brought it.

use std::collections::{BTreeMap, VecDeque};

use holdfast_reservations::Timestamp;

use super::{Invariant, Scene};
use crate::observation::{NodeId, Observation, Role};

/// Clocks agree when they are no further apart; half a round trip comes on top.
const AGREEMENT_MS: i64 = 1000 + 250;

/// A clock that was agreed with may be so much further by the time a stamp is taken from it.
const TRUST_MS: i64 = 1000;

/// Agreement is asked for in a round that takes no longer.
const ROUND_MS: u64 = 600;

/// Two readings of one clock this near to each other count as one.
const STEP_MS: i64 = 20;

/// Reading and applying are told in whole milliseconds, and at the ends of ticks.
const SLACK_MS: i64 = 50;

/// What agreed time may be.
#[derive(Default)]
pub(super) struct AgreedTime {
    /// Agreed time by applied index.
    by_index: BTreeMap<u64, Timestamp>,
    nodes: BTreeMap<NodeId, Lately>,
    /// How far agreed time may be ahead of the time since the start, in microseconds, and when that was worked out.
    ceiling: Option<(i64, u64)>,
}

/// What a node was lately.
#[derive(Default)]
struct Lately {
    /// How far its clock was ahead of the time since the start, and until when.
    offsets: VecDeque<(u64, i64)>,
    led_at: Option<u64>,
}

impl Invariant for AgreedTime {
    fn name(&self) -> &'static str {
        "agreed time (INV-1)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        let at = scene.seen.at.as_millis() as u64;
        self.note(scene.seen, at);
        self.raise(scene.seen, at);
        for (node, _, running) in scene.seen.running() {
            let (now, applied) = (running.state.now, running.state.applied);
            if let Some(applied) = applied {
                self.compare(node, applied.index, now)?;
            }
            self.judge(node, now, at)?;
        }
        Ok(())
    }
}

impl AgreedTime {
    /// Follows the clocks, and who leads.
    fn note(&mut self, seen: &Observation, at: u64) {
        for (id, node) in &seen.nodes {
            let lately = self.nodes.entry(*id).or_default();
            let offset = node.clock_ms as i64 - at as i64;
            match lately.offsets.back_mut() {
                Some(last) if (last.1 - offset).abs() <= STEP_MS => *last = (at, offset),
                Some(_) | None => lately.offsets.push_back((at, offset)),
            }
            while lately.offsets.front().is_some_and(|(until, _)| until + ROUND_MS < at) {
                lately.offsets.pop_front();
            }
            if node.running.as_ref().is_some_and(|running| running.role == Role::Leader) {
                lately.led_at = Some(at);
            }
        }
    }

    /// Raises the ceiling: by the pace that time may have without any clock, and to clocks that a majority agrees with.
    fn raise(&mut self, seen: &Observation, at: u64) {
        let leaders = seen.running().filter(|(id, _, _)| {
            self.nodes.get(id).and_then(|lately| lately.led_at).is_some_and(|led_at| led_at + ROUND_MS >= at)
        });
        let supported = leaders.filter_map(|(id, _, running)| {
            let offsets = self.nodes.get(&id).into_iter().flat_map(|lately| &lately.offsets);
            let agreed = offsets.filter(|(_, offset)| {
                running.members.all_voters().contains(&id)
                    && running.members.is_quorum(|voter| self.had(voter, *offset))
            });
            agreed.map(|(_, offset)| *offset).max()
        });
        let supported = supported.max().map(|offset| (offset + TRUST_MS) * 1000);
        let carried = self.ceiling.map(|(ceiling, since)| ceiling + (at - since) as i64 * 10);
        self.ceiling = supported.max(carried).map(|ceiling| (ceiling, at));
    }

    /// Whether a node's clock was lately near an offset.
    fn had(&self, node: NodeId, offset: i64) -> bool {
        let offsets = self.nodes.get(&node).into_iter().flat_map(|lately| &lately.offsets);
        offsets.into_iter().any(|(_, other)| (other - offset).abs() <= AGREEMENT_MS)
    }

    fn compare(&mut self, node: NodeId, index: u64, now: Timestamp) -> Result<(), String> {
        let known = *self.by_index.entry(index).or_insert(now);
        if known != now {
            return Err(format!("after entry {index} it is {now} in node {node}, and {known} in another"));
        }
        let before = self.by_index.range(..index).next_back();
        let after = self.by_index.range(index + 1..).next();
        let is_sorted =
            before.is_none_or(|(_, before)| *before <= now) && after.is_none_or(|(_, after)| now <= *after);
        match is_sorted {
            true => Ok(()),
            false => Err(format!("agreed time goes back at entry {index}: {before:?}, {now}, {after:?}")),
        }
    }

    fn judge(&self, node: NodeId, now: Timestamp, at: u64) -> Result<(), String> {
        let ahead = now.0 as i64 - at as i64;
        // Before anybody was agreed with, time starts at nothing and goes at its own pace.
        let ceiling = self.ceiling.map_or(at as i64 / 100, |(ceiling, _)| ceiling / 1000);
        match ahead <= ceiling + SLACK_MS {
            true => Ok(()),
            false => Err(format!(
                "it is {now} in node {node}, {} ms later than any clock that a majority agreed with allows",
                ahead - ceiling
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::AgreedTime;
    use crate::invariants::testing;

    fn check(text: &str, expected: expect_test::Expect) {
        testing::check(&mut AgreedTime::default(), text, &expected);
    }

    #[test]
    fn a_clock_that_a_majority_agrees_with_may_be_followed_wherever_it_goes() {
        check(
            "
            at=100 node:1 leads | node:2 | node:3
            at=200 node:1 now=1000200 applied=1.1.1
            at=300 node:1 clock=87400300 | node:2 clock=87400300
            at=400 node:1 now=87400400 applied=1.1.2
            ",
            expect![""],
        );
    }

    #[test]
    fn one_clock_alone_may_not() {
        check(
            "
            at=100 node:1 leads | node:2 | node:3
            at=200 node:1 now=1000200 applied=1.1.1
            at=300 node:1 clock=87400300
            at=400 node:1 now=87400400 applied=1.1.2
            ",
            expect![
                "4: it is 87400400ms in node 1, 86398997 ms later than any clock that a majority agreed with allows"
            ],
        );
    }

    #[test]
    fn without_a_majority_time_goes_on_at_its_own_pace() {
        let text = |now: u64| {
            format!(
                "
                at=0 node:1 leads | node:2 | node:3
                at=1000 node:2 clock=9999999 | node:3 clock=1
                at=61000 node:1 now={now} applied=1.1.1
                "
            )
        };
        check(&text(1_061_000 + 1000 + 600), expect![""]);
        check(
            &text(1_061_000 + 1000 + 700),
            expect![
                "3: it is 1062700ms in node 1, 89 ms later than any clock that a majority agreed with allows"
            ],
        );
    }

    #[test]
    fn time_never_goes_back_and_is_the_same_for_all() {
        check(
            "
            at=100 node:1 leads now=1000050 applied=1.1.1 | node:2
            at=200 node:2 now=1000040 applied=1.1.2
            ",
            expect!["2: agreed time goes back at entry 2: Some((1, Timestamp(1000050))), 1000040ms, None"],
        );
        check(
            "
            at=100 node:1 leads now=1000050 applied=1.1.1 | node:2
            at=200 node:2 now=1000051 applied=1.1.1
            ",
            expect!["2: after entry 1 it is 1000051ms in node 2, and 1000050ms in another"],
        );
    }
}
