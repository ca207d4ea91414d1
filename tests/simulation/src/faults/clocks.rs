//! Clocks that step, drift, and jump to and fro.

use super::partitions::{Ways, set_cut};
use super::{Ends, Fault};
use crate::chance::Chance;
use crate::world::World;

pub struct Step;
pub struct Drift;
pub struct Strobe;
pub struct WallDrift;
pub struct Crawl;

impl Fault for Step {
    fn name(&self) -> &'static str {
        "clock step"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let some = at_least_one(world, chance)?;
        let offset_ms = step(chance);
        for position in &some {
            world.hosts[*position].plan.clock.set_offset(offset_ms);
        }
        Some(Ends::after(chance.between(500..=15_000), move |world| set_right(world, &some)))
    }
}

impl Fault for Drift {
    fn name(&self) -> &'static str {
        "clock drift"
    }

    /// Its timers run faster or slower than those of others.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let some = at_least_one(world, chance)?;
        let permille = chance.between(10..=50) as i64 * if chance.percent(50) { 1 } else { -1 };
        let by = world.net.new_holder();
        for position in &some {
            world.hosts[*position].set_drift(by, permille);
        }
        Some(Ends::after(chance.between(1000..=15_000), move |world| {
            some.iter().for_each(|position| world.hosts[*position].end_drift(by));
        }))
    }
}

impl Fault for Crawl {
    fn name(&self) -> &'static str {
        "machine crawls"
    }

    /// A machine that gets little of its processor: its timers, too, fall far behind. Mostly it is the leader, and half of the
    /// time its peers do not hear of it any more, though clients do.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let up = world.up();
        let any = if up.is_empty() { None } else { Some(*chance.pick(&up)) };
        let position = world.leader().filter(|_| chance.percent(70)).or(any)?;
        let by = world.net.new_holder();
        world.hosts[position].set_drift(by, -(chance.between(300..=900) as i64));
        let is_cut = chance.percent(50);
        let peers = (0..world.hosts.len()).filter(|other| *other != position);
        let ways: Ways =
            peers.filter(|_| is_cut).flat_map(|other| [(position, other), (other, position)]).collect();
        set_cut(world, by, &ways, true);
        Some(Ends::after(chance.between(1000..=8000), move |world| {
            set_cut(world, by, &ways, false);
            world.hosts[position].end_drift(by);
        }))
    }
}

impl Fault for WallDrift {
    fn name(&self) -> &'static str {
        "wall clock drift"
    }

    /// What it says goes faster or slower than time does, however well its timers keep time.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let some = some(world, chance);
        let permille = chance.between(5..=50) as i64 * if chance.percent(50) { 1 } else { -1 };
        for position in &some {
            world.hosts[*position].plan.clock.set_drift(permille);
        }
        Some(Ends::after(chance.between(3000..=20_000), move |world| set_right(world, &some)))
    }
}

impl Fault for Strobe {
    fn name(&self) -> &'static str {
        "clock strobe"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let some = at_least_one(world, chance)?;
        let (strobed, offset_ms) = (some.clone(), step(chance));
        let ends = Ends::after(chance.between(500..=6000), move |world| set_right(world, &some));
        Some(ends.with_beat(chance.between(10..=800), move |world, beat| {
            let offset_ms = if beat.is_multiple_of(2) { offset_ms } else { 0 };
            strobed.iter().for_each(|position| world.hosts[*position].plan.clock.set_offset(offset_ms));
        }))
    }
}

/// `some`, unless that is nobody.
fn at_least_one(world: &World, chance: &mut Chance) -> Option<Vec<usize>> {
    Some(some(world, chance)).filter(|some| !some.is_empty())
}

/// One, the leader, or a minority: a majority of clocks is what time is.
fn some(world: &World, chance: &mut Chance) -> Vec<usize> {
    let mut all: Vec<usize> = (0..world.hosts.len()).collect();
    chance.shuffle(&mut all);
    let at_most = chance.between(1..=2) as usize;
    if let Some(leader) = world.leader().filter(|_| chance.percent(50)) {
        all.retain(|host| *host != leader);
        all.insert(0, leader);
        all.truncate(1);
    }
    let (mut some, mut right) = (Vec::new(), world.with_right_clocks());
    for host in all {
        let others: Vec<usize> = right.iter().copied().filter(|other| *other != host).collect();
        if some.len() < at_most && world.stays_quorum(&others, None) {
            some.push(host);
            right = others;
        }
    }
    some
}

/// From a second to a day, either way.
fn step(chance: &mut Chance) -> i64 {
    let longest = *chance.pick(&[1000, 10_000, 3_600_000, 86_400_000]);
    let offset_ms = chance.between(longest / 2..=longest) as i64;
    if chance.percent(50) { offset_ms } else { -offset_ms }
}

fn set_right(world: &mut World, some: &[usize]) {
    some.iter().for_each(|position| world.hosts[*position].plan.clock.set_right());
}
