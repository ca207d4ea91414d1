//! INV-4: whenever all rows of a node are read, its request table says exactly what the committed log says: the first
//! effect of every request, and no second one. And whatever clients were told of is a change that the log made.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_reservations::{
    Applied, Clock, Key, MemoryRows, Outcome, ReadTyped as _, Request, RequestKey, Revision, Row, State,
};
use holdfast_storage::codec;
use holdfast_storage::log::{Entry, Payload};

use super::{Invariant, Scene};

/// Where each request first took effect, worked out without the table.
#[derive(Default)]
pub(super) struct RequestsOnce {
    /// `None` before the first entry.
    state: Option<State<MemoryRows>>,
    next: u64,
    first: BTreeMap<Identity, Effect>,
    /// Of every change that the log made so far.
    revisions: BTreeSet<Revision>,
    /// What clients were told, of entries that are still to be followed.
    told: Vec<Revision>,
}

/// Generation, acting user, key.
type Identity = (u32, u64, RequestKey);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Effect {
    revision: Revision,
    payload_hash: u64,
}

impl Invariant for RequestsOnce {
    fn name(&self) -> &'static str {
        "requests once (INV-4)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        self.told.extend(scene.seen.acknowledged.iter().map(|told| told.revision));
        for (node, _, running) in scene.seen.running() {
            let (Some(rows), Some(applied)) = (&running.state.rows, running.state.applied) else { continue };
            while self.next <= applied.index {
                let entry = scene.committed.entry(self.next);
                self.follow(entry.ok_or_else(|| format!("entry {} was never seen", self.next))?)?;
                self.next += 1;
            }
            self.compare(rows, applied.index).map_err(|says| format!("node {node} at {applied}: {says}"))?;
        }
        let (next, revisions) = (self.next, &self.revisions);
        self.told.retain(|told| told.index >= next || !revisions.contains(told));
        match self.told.iter().find(|told| told.index < next) {
            None => Ok(()),
            Some(told) => Err(format!("{told} was acknowledged, and is no change that the log made")),
        }
    }
}

impl RequestsOnce {
    fn follow(&mut self, entry: &Entry) -> Result<(), String> {
        let Payload::Commands(bytes) = &entry.payload else { return Ok(()) };
        let commands = codec::decode_entry(bytes).map_err(|error| format!("entry {}: {error}", entry.id))?;
        let state = self.state.get_or_insert_with(|| State::over(MemoryRows::default()));
        let applied = state.apply(entry.id.index, &commands);
        let generation = state.rows().row::<Clock>(()).map_or(0, |clock| clock.generation);
        let mut last = None;
        for (request, applied) in commands.requests.iter().zip(applied) {
            let revision = applied.revision;
            self.revisions.insert(revision);
            self.revisions.extend(applied.revisions().map(|(revision, _)| revision));
            // Revisions rise with every command, but for answers that are given again.
            if revision.index == entry.id.index && last.is_none_or(|last| last < revision) {
                last = Some(revision);
                self.note(generation, request, &applied)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, generation: u32, request: &Request, applied: &Applied) -> Result<(), String> {
        let (Some(id), revision) = (request.id, applied.revision) else { return Ok(()) };
        if !is_remembered(&applied.outcome) {
            return Ok(());
        }
        let scope = request.principal.scope();
        let lately = [Some(generation), generation.checked_sub(1)].into_iter().flatten();
        for generation in lately {
            if let Some(first) = self.first.get(&(generation, scope, id.key)) {
                return Err(format!("{revision} is a second effect of the request of {}", first.revision));
            }
        }
        let effect = Effect { revision, payload_hash: id.payload_hash };
        self.first.insert((generation, scope, id.key), effect);
        Ok(())
    }

    /// Compares a table of one moment.
    fn compare(&self, rows: &[(Key, Row)], applied: u64) -> Result<(), String> {
        let generation = rows.iter().find_map(|(_, row)| match row {
            Row::Clock(clock) => Some(clock.generation),
            _ => None,
        });
        let oldest = generation.unwrap_or(0).saturating_sub(1);
        let mut expected = self
            .first
            .iter()
            .filter(|((made_in, ..), effect)| *made_in >= oldest && effect.revision.index <= applied)
            .map(|(identity, effect)| (*identity, *effect));
        let mut found = rows.iter().filter_map(|(key, row)| match (key, row) {
            (Key::Request(generation, scope, key), Row::Request(row)) => {
                let effect = Effect { revision: row.revision, payload_hash: row.payload_hash };
                Some(((*generation, *scope, *key), effect))
            }
            _ => None,
        });
        loop {
            match (expected.next(), found.next()) {
                (None, None) => return Ok(()),
                (expected, found) if expected == found => (),
                (expected, found) => {
                    return Err(format!("the table says {found:?}, the log {expected:?}"));
                }
            }
        }
    }
}

/// Whether a retry gets this answer again.
fn is_remembered(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Rejected(rejection) => rejection.is_remembered(),
        Outcome::Contradicted(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use holdfast_reservations::Remembered;

    use super::*;
    use crate::invariants::testing::log::{Scenario, sign_up};
    use crate::invariants::testing::verdict;
    use crate::observation::Acknowledged;

    #[test]
    fn a_retry_has_no_second_effect_and_a_refusal_may_be_remembered() {
        let mut scenario = Scenario::new();
        // The same key again, and another key for an e-mail address that is taken.
        let seen = [
            scenario.commits(vec![sign_up(1, 1)]),
            scenario.commits(vec![sign_up(1, 1), sign_up(2, 1), sign_up(2, 1)]),
            scenario.commits(vec![sign_up(3, 3)]),
        ];
        assert_eq!(verdict(&mut RequestsOnce::default(), &seen), "");
    }

    #[test]
    fn what_was_told_is_a_change_of_the_log() {
        let told = |ordinal| {
            let mut seen = [Scenario::new().commits(vec![sign_up(1, 1)])];
            let revision = Revision { index: 0, ordinal };
            seen[0].acknowledged.push(Acknowledged { revision, key: None });
            verdict(&mut RequestsOnce::default(), &seen)
        };
        assert_eq!(told(0), "");
        assert_eq!(told(7), "1: 0-7 was acknowledged, and is no change that the log made");
    }

    #[test]
    fn a_forgotten_request_is_found() {
        let mut seen = [Scenario::new().commits(vec![sign_up(1, 1)])];
        Scenario::spoil(&mut seen[0], |rows| rows.retain(|row| !matches!(row.0, Key::Request(..))));
        let says = verdict(&mut RequestsOnce::default(), &seen);
        assert!(says.starts_with("1: node 1 at 1.1.0: the table says None, the log Some("), "{says}");
    }

    #[test]
    fn so_is_one_that_is_remembered_otherwise() {
        let mut seen = [Scenario::new().commits(vec![sign_up(1, 1)])];
        Scenario::spoil(&mut seen[0], |rows| {
            for (_, row) in rows {
                if let Row::Request(request) = row {
                    let revision = Revision { index: 0, ordinal: 5 };
                    *row = Row::Request(Arc::new(Remembered { revision, ..(**request).clone() }));
                }
            }
        });
        let says = verdict(&mut RequestsOnce::default(), &seen);
        assert!(says.starts_with("1: node 1 at 1.1.0: the table says Some("), "{says}");
    }
}
