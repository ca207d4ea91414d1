//! Processes killed, and machines without power.

use super::{Ends, Fault};
use crate::chance::Chance;
use crate::host::Loss;
use crate::world::World;

pub struct Kill;
pub struct KillForLong;
pub struct KillAll;
pub struct PowerLoss;
pub struct PowerLossForLong;
pub struct PowerLossOfAll;

impl Fault for Kill {
    fn name(&self) -> &'static str {
        "kill"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let for_ms = chance.between(1..=1500);
        end_some(world, chance, Loss::Process, for_ms)
    }
}

impl Fault for KillForLong {
    fn name(&self) -> &'static str {
        "kill for long"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let for_ms = chance.between(3000..=9000);
        end_some(world, chance, Loss::Process, for_ms)
    }
}

impl Fault for KillAll {
    fn name(&self) -> &'static str {
        "kill all"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        end_all(world, chance, Loss::Process, 1000)
    }
}

impl Fault for PowerLoss {
    fn name(&self) -> &'static str {
        "power loss"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let for_ms = chance.between(1..=1500);
        end_some(world, chance, Loss::Power, for_ms)
    }
}

impl Fault for PowerLossForLong {
    fn name(&self) -> &'static str {
        "power loss for long"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let for_ms = chance.between(3000..=9000);
        end_some(world, chance, Loss::Power, for_ms)
    }
}

impl Fault for PowerLossOfAll {
    fn name(&self) -> &'static str {
        "power loss of all"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        end_all(world, chance, Loss::Power, 1500)
    }
}

/// Ends all, if any is up.
fn end_all(world: &mut World, chance: &mut Chance, loss: Loss, for_ms: u64) -> Option<Ends> {
    let all: Vec<usize> = (0..world.hosts.len()).collect();
    (!world.up().is_empty()).then(|| end(world, chance, &all, loss, for_ms))
}

/// Ends one, or the leader, or a few at once.
fn end_some(world: &mut World, chance: &mut Chance, loss: Loss, for_ms: u64) -> Option<Ends> {
    let mut up = world.up();
    if up.is_empty() {
        return None;
    }
    chance.shuffle(&mut up);
    let some = match chance.between(0..=5) {
        0 | 1 => world.leader().map(|leader| vec![leader]),
        2 => Some(up.iter().copied().take(2).collect()),
        3 => Some(up.iter().copied().take(world.hosts.len() / 2 + 1).collect()),
        _ => None,
    };
    Some(end(world, chance, &some.unwrap_or_else(|| vec![up[0]]), loss, for_ms))
}

fn end(world: &mut World, chance: &mut Chance, some: &[usize], loss: Loss, for_ms: u64) -> Ends {
    for position in some {
        world.hosts[*position].end(loss);
    }
    let mut starts = Vec::new();
    for position in some {
        // Not all at once.
        starts.push((*position, for_ms / 2 + chance.between(0..=for_ms / 2)));
    }
    Ends::after(for_ms, {
        let some = some.to_vec();
        move |world| some.iter().for_each(|position| world.hosts[*position].start())
    })
    .with_beat(1, move |world, beat| {
        for (position, at) in &starts {
            if *at == beat {
                world.hosts[*position].start();
            }
        }
    })
}
