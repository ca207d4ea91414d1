//! INV-8 against the log itself: whenever all rows of a node are read, they are what the rules make of the committed log.

use std::collections::BTreeMap;

use holdfast_reservations::{Applied, Key, MemoryRows, Row, State};
use holdfast_storage::codec;
use holdfast_storage::log::{Entry, Payload};

use super::{Committed, Invariant, Scene};

/// Entries between two moments that are kept, to replay from.
const ENTRIES_PER_CHECKPOINT: u64 = 64;

/// The rows at some moments of the log.
#[derive(Default)]
pub(super) struct StateIsReplay {
    checkpoints: BTreeMap<u64, MemoryRows>,
}

impl Invariant for StateIsReplay {
    fn name(&self) -> &'static str {
        "state is replay (INV-8)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (node, _, running) in scene.seen.running() {
            let (Some(rows), Some(applied)) = (&running.state.rows, running.state.applied) else { continue };
            let expected = self.replay(scene.committed, applied.index)?;
            if let Some(difference) = difference(expected.rows(), rows) {
                return Err(format!("node {node} has applied {applied}, but {difference}"));
            }
        }
        Ok(())
    }
}

impl StateIsReplay {
    /// The state after an entry.
    fn replay(&mut self, committed: &Committed, until: u64) -> Result<State<MemoryRows>, String> {
        let from = self.checkpoints.range(..=until + 1).next_back();
        let (mut next, rows) = from.map_or((0, MemoryRows::default()), |(next, rows)| (*next, rows.clone()));
        let mut state = State::over(rows);
        while next <= until {
            let entry = committed.entry(next).ok_or_else(|| format!("entry {next} was never seen"))?;
            apply(&mut state, entry)?;
            next += 1;
            if next % ENTRIES_PER_CHECKPOINT == 0 {
                self.checkpoints.entry(next).or_insert_with(|| state.rows().clone());
            }
        }
        Ok(state)
    }
}

/// Applies what an entry carries.
pub(super) fn apply(state: &mut State<MemoryRows>, entry: &Entry) -> Result<Vec<Applied>, String> {
    match &entry.payload {
        Payload::Blank | Payload::Membership(_) => Ok(Vec::new()),
        Payload::Commands(bytes) => {
            let commands =
                codec::decode_entry(bytes).map_err(|error| format!("entry {}: {error}", entry.id))?;
            Ok(state.apply(entry.id.index, &commands))
        }
    }
}

/// The first row that is not as expected.
fn difference(expected: &MemoryRows, read: &[(Key, Row)]) -> Option<String> {
    let mut read = read.iter();
    for (key, row) in expected.iter() {
        match read.next() {
            Some((found, value)) if found == key && value == row => (),
            Some((found, value)) if found == key => {
                return Some(format!("{key:?} is {value:?}, not {row:?}"));
            }
            Some((found, _)) if found < key => {
                return Some(format!("{found:?} is there, though it should not"));
            }
            Some(_) | None => return Some(format!("{key:?} is missing")),
        }
    }
    read.next().map(|(found, _)| format!("{found:?} is there, though it should not"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::invariants::testing::log::{Scenario, sign_up};
    use crate::invariants::testing::verdict;

    #[test]
    fn the_rows_are_those_of_the_log_at_any_moment() {
        let mut scenario = Scenario::new();
        let mut seen: Vec<_> = (0..200).map(|nth| scenario.commits(vec![sign_up(nth, nth)])).collect();
        let earlier = seen[70].clone();
        Scenario::trails(&mut seen[199], &earlier);
        assert_eq!(verdict(&mut StateIsReplay::default(), &seen), "");
    }

    #[test]
    fn a_row_too_many_too_few_or_other_is_found() {
        let says = |change: fn(&mut Vec<(Key, Row)>)| {
            let mut seen = [Scenario::new().commits(vec![sign_up(1, 1)])];
            Scenario::spoil(&mut seen[0], change);
            verdict(&mut StateIsReplay::default(), &seen)
        };
        let less = says(|rows| rows.retain(|(key, _)| !matches!(key, Key::Request(..))));
        let more = says(|rows| rows.push((Key::KeyCount(7, 7), Row::Index)));
        let other = says(|rows| {
            let index = rows.iter_mut().find(|(key, _)| matches!(key, Key::UserByEmail(_)));
            index.unwrap().1 = Row::Index;
        });
        expect![[r#"
            1: node 1 has applied 1.1.0, but Request(0, 0, Named([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])) is missing
            1: node 1 has applied 1.1.0, but KeyCount(7, 7) is there, though it should not
            1: node 1 has applied 1.1.0, but UserByEmail("guest1@park.example") is Index, not UserByEmail(UserId(1))"#]].assert_eq(&format!("{less}\n{more}\n{other}"));
    }
}
