//! Machines without power just when they have voted: what was promised a moment ago must be on their disks.

use std::cell::Cell;
use std::rc::Rc;

use super::{Ends, Fault};
use crate::chance::Chance;
use crate::host::Loss;
use crate::world::World;

pub struct PowerLossAtElection;

/// A leader that is missed for so long is replaced.
const ELECTION_MS: u64 = 4000;

impl Fault for PowerLossAtElection {
    fn name(&self) -> &'static str {
        "power loss at election"
    }

    /// Kills the leader; soon after another term has begun, some of those who are up lose their power.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let leader = world.leader()?;
        let term = highest_term(world);
        world.hosts[leader].end(Loss::Process);
        let mut victims: Vec<usize> = (0..world.hosts.len()).filter(|position| *position != leader).collect();
        chance.shuffle(&mut victims);
        victims.truncate(chance.between(1..=2) as usize);
        let (delay_ms, struck_at) = (chance.between(0..=30), Rc::new(Cell::new(None)));
        let has_struck = struck_at.clone();
        let down = victims.clone();
        let ends = Ends::after(ELECTION_MS, move |world| {
            down.iter().chain([&leader]).for_each(|position| world.hosts[*position].start());
        });
        let ends = ends.counted_when(move |_| has_struck.get().is_some());
        Some(ends.with_beat(1, move |world, beat| {
            if struck_at.get().is_none() && highest_term(world) > term {
                struck_at.set(Some(beat + delay_ms));
            }
            if struck_at.get() == Some(beat) {
                victims.iter().for_each(|position| world.hosts[*position].end(Loss::Power));
            }
            if struck_at.get().is_some_and(|struck_at| struck_at + 20 == beat) {
                victims.iter().chain([&leader]).for_each(|position| world.hosts[*position].start());
            }
        }))
    }
}

fn highest_term(world: &World) -> u64 {
    world.seen.running().map(|(_, _, running)| running.term).max().unwrap_or(0)
}
