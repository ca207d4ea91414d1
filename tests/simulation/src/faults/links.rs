//! Ways between machines that are slow, lossy, or give everything at once.

use std::cell::Cell;
use std::rc::Rc;

use super::{Ends, Fault, a_while};
use crate::chance::Chance;
use crate::network::Holder;
use crate::world::World;

pub struct LatencySpike;
pub struct SlowLink;
pub struct Loss;
pub struct HoldAndRelease;
pub struct Resets;

impl Fault for LatencySpike {
    fn name(&self) -> &'static str {
        "latency spike"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let longest = *chance.pick(&[20, 80, 300]);
        let by = world.net.new_holder();
        for (from, to) in all(world) {
            world.net.change_link(from, to, |link| link.slow_down(by, 1..=longest));
        }
        Some(Ends::after(a_while(chance), move |world| let_go(world, by)))
    }
}

impl Fault for SlowLink {
    fn name(&self) -> &'static str {
        "slow link"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let (from, to) = *chance.pick(&all(world));
        let slow = *chance.pick(&[30, 120, 600]);
        let by = world.net.new_holder();
        world.net.change_link(from, to, |link| link.slow_down(by, slow..=slow + 10));
        Some(Ends::after(chance.between(1000..=10_000), move |world| let_go(world, by)))
    }
}

impl Fault for Loss {
    fn name(&self) -> &'static str {
        "loss"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let percent = *chance.pick(&[1, 5, 25]);
        let by = world.net.new_holder();
        for (from, to) in all(world) {
            world.net.change_link(from, to, |link| link.lose(by, percent));
        }
        Some(Ends::after(a_while(chance), move |world| let_go(world, by)))
    }
}

impl Fault for HoldAndRelease {
    fn name(&self) -> &'static str {
        "hold and release"
    }

    /// Everything one node is sent comes later, all at once.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let node = chance.position(world.hosts.len());
        let ways: Vec<(usize, usize)> = all(world).into_iter().filter(|(_, to)| *to == node).collect();
        let by = world.net.new_holder();
        for (from, to) in &ways {
            world.net.change_link(*from, *to, |link| link.set_held(by, true));
        }
        Some(Ends::after(chance.between(20..=900), move |world| {
            for (from, to) in &ways {
                world.net.change_link(*from, *to, |link| link.set_held(by, false));
            }
        }))
    }
}

impl Fault for Resets {
    fn name(&self) -> &'static str {
        "resets"
    }

    fn begin(&self, _: &mut World, chance: &mut Chance) -> Option<Ends> {
        let has_reset = Rc::new(Cell::new(false));
        let has_effect = has_reset.clone();
        let ends = Ends::after(chance.between(100..=3000), |_| ()).counted_when(move |_| has_effect.get());
        Some(ends.with_beat(chance.between(5..=200), move |world, _| {
            has_reset.set(has_reset.get() | world.net.reset_one());
        }))
    }
}

fn let_go(world: &World, by: Holder) {
    for (from, to) in all(world) {
        world.net.change_link(from, to, |link| link.let_go(by));
    }
}

fn all(world: &World) -> Vec<(usize, usize)> {
    let machines = world.net.machines();
    (0..machines).flat_map(|from| (0..machines).map(move |to| (from, to))).filter(|(a, b)| a != b).collect()
}
