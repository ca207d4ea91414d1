//! INV-1, 2, 4 to 7: whenever all rows of a node are read, they keep every invariant of the rules.

use holdfast_reservations::{Key, MemoryRows, Row, Rows as _, State};

use super::{Invariant, Scene};

#[derive(Default)]
pub(super) struct RulesHold;

impl Invariant for RulesHold {
    fn name(&self) -> &'static str {
        "rules hold (INV-1 to 7)"
    }

    fn check(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        for (node, _, running) in scene.seen.running() {
            let Some(rows) = &running.state.rows else { continue };
            let broken = State::over(in_memory(rows)).check_invariants();
            if let Some(first) = broken.first() {
                return Err(format!("in node {node}: {first}, and {} more", broken.len() - 1));
            }
        }
        Ok(())
    }
}

/// Rows that were read, as rows.
pub(super) fn in_memory(read: &[(Key, Row)]) -> MemoryRows {
    let mut rows = MemoryRows::default();
    for (key, row) in read {
        rows.set(key.clone(), Some(row.clone()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use holdfast_reservations::{BookingId, SlotId};

    use super::*;
    use crate::invariants::testing::{observations, verdict};

    #[test]
    fn rows_that_contradict_themselves_are_found() {
        let mut seen = observations("node:1 follows");
        let index = (Key::BookingBySlot(SlotId(1), BookingId(1)), Row::Index);
        let running = seen[0].nodes.get_mut(&1).and_then(|node| node.running.as_mut()).unwrap();
        running.state.rows = Some(Arc::default());
        assert_eq!(verdict(&mut RulesHold, &seen), "");
        let running = seen[0].nodes.get_mut(&1).and_then(|node| node.running.as_mut()).unwrap();
        running.state.rows = Some(Arc::new(vec![index]));
        assert!(verdict(&mut RulesHold, &seen).starts_with("1: in node 1: INV-5"));
    }
}
