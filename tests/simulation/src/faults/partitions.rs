//! Ways between machines that are cut.

use super::{Ends, Fault, a_while};
use crate::chance::Chance;
use crate::network::Holder;
use crate::world::World;

pub struct Halves;
pub struct LeaderInMinority;
pub struct Isolate;
pub struct OneWay;
pub struct Bridge;
pub struct Ring;
pub struct Swizzle;
pub struct Flapping;
pub struct HalfOpen;
pub struct ClientsCut;

/// Ways, each from one machine to another.
pub(super) type Ways = Vec<(usize, usize)>;

impl Fault for Halves {
    fn name(&self) -> &'static str {
        "halves"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let mut nodes = nodes(world);
        chance.shuffle(&mut nodes);
        let (one, other) = nodes.split_at(nodes.len() / 2);
        Some(cut_for_a_while(world, chance, between(one, other)))
    }
}

impl Fault for LeaderInMinority {
    fn name(&self) -> &'static str {
        "leader in minority"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let leader = world.leader()?;
        let mut others: Vec<usize> = nodes(world).into_iter().filter(|node| *node != leader).collect();
        chance.shuffle(&mut others);
        let mut minority = others.split_off(others.len() - (world.hosts.len() - 1) / 2 + 1);
        minority.push(leader);
        Some(cut_for_a_while(world, chance, between(&minority, &others)))
    }
}

impl Fault for Isolate {
    fn name(&self) -> &'static str {
        "isolate one"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let node = one(world, chance);
        let others: Vec<usize> = nodes(world).into_iter().filter(|other| *other != node).collect();
        Some(cut_for_a_while(world, chance, between(&[node], &others)))
    }
}

impl Fault for OneWay {
    fn name(&self) -> &'static str {
        "one way"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let node = one(world, chance);
        let is_deaf = chance.percent(50);
        let mut others: Vec<usize> = nodes(world).into_iter().filter(|other| *other != node).collect();
        chance.shuffle(&mut others);
        others.truncate(chance.between(1..=others.len() as u64) as usize);
        let ways = others.into_iter().map(|other| if is_deaf { (other, node) } else { (node, other) });
        Some(cut_for_a_while(world, chance, ways.collect()))
    }
}

impl Fault for Bridge {
    fn name(&self) -> &'static str {
        "bridge"
    }

    /// Two halves, and one node that sees both.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let mut nodes = nodes(world);
        chance.shuffle(&mut nodes);
        nodes.pop();
        let (one, other) = nodes.split_at(nodes.len() / 2);
        Some(cut_for_a_while(world, chance, between(one, other)))
    }
}

impl Fault for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    /// Every node sees a majority, and no two the same.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let mut nodes = nodes(world);
        chance.shuffle(&mut nodes);
        let count = nodes.len();
        let mut ways = Ways::new();
        for (position, node) in nodes.iter().enumerate() {
            for (other_position, other) in nodes.iter().enumerate() {
                let distance = (position + count - other_position) % count;
                if distance.min(count - distance) > count / 4 && node != other {
                    ways.push((*node, *other));
                }
            }
        }
        Some(cut_for_a_while(world, chance, ways))
    }
}

impl Fault for Swizzle {
    fn name(&self) -> &'static str {
        "swizzle"
    }

    /// Some nodes are cut off one after the other, and come back in another order (FoundationDB's swizzle-clogging).
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let mut some = nodes(world);
        chance.shuffle(&mut some);
        some.truncate(chance.between(2..=some.len() as u64) as usize);
        let step_ms = chance.between(20..=400);
        let mut back = some.clone();
        chance.shuffle(&mut back);
        let (by, all) = (world.net.new_holder(), (nodes(world), some.clone()));
        let (count, order) = (some.len() as u64, some);
        let beat = move |world: &mut World, beat: u64| {
            let everybody = nodes(world);
            let is_back = beat >= count;
            let node = if is_back { back.get((beat - count) as usize) } else { order.get(beat as usize) };
            if let Some(node) = node {
                let others: Vec<usize> = everybody.into_iter().filter(|other| other != node).collect();
                set_cut(world, by, &between(&[*node], &others), !is_back);
            }
        };
        let ends = Ends::after(2 * count * step_ms + 1, move |world| {
            set_cut(world, by, &between(&all.1, &all.0), false);
        });
        Some(ends.with_beat(step_ms, beat))
    }
}

impl Fault for Flapping {
    fn name(&self) -> &'static str {
        "flapping link"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let node = one(world, chance);
        let others: Vec<usize> = nodes(world).into_iter().filter(|other| *other != node).collect();
        let (by, ways) = (world.net.new_holder(), between(&[node], &others));
        let flapping = ways.clone();
        let every_ms = *chance.pick(&[30, 150, 700, 1200]);
        let ends = Ends::after(chance.between(1000..=6000), move |world| set_cut(world, by, &ways, false));
        let beat = move |world: &mut World, beat: u64| set_cut(world, by, &flapping, beat.is_multiple_of(2));
        Some(ends.with_beat(every_ms, beat))
    }
}

impl Fault for HalfOpen {
    fn name(&self) -> &'static str {
        "half-open streams"
    }

    /// What is open between a node and others is forgotten on the way; both ends believe that it is open.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let node = one(world, chance);
        let machines = world.net.machines();
        let mut count = 0;
        for other in (0..machines).filter(|other| *other != node) {
            if chance.percent(60) {
                count += world.net.forget_streams(node, other);
            }
        }
        (count > 0).then(Ends::at_once)
    }
}

impl Fault for ClientsCut {
    fn name(&self) -> &'static str {
        "clients cut off"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let clients = world.clients_machine();
        let mut some = nodes(world);
        chance.shuffle(&mut some);
        some.truncate(chance.between(1..=some.len() as u64) as usize);
        let ways = match chance.between(0..=2) {
            0 => some.iter().map(|node| (clients, *node)).collect(),
            1 => some.iter().map(|node| (*node, clients)).collect(),
            _ => between(&[clients], &some),
        };
        Some(cut_for_a_while(world, chance, ways))
    }
}

fn nodes(world: &World) -> Vec<usize> {
    (0..world.hosts.len()).collect()
}

/// The leader or another one.
fn one(world: &World, chance: &mut Chance) -> usize {
    let any = chance.position(world.hosts.len());
    match chance.percent(40) {
        true => world.leader().unwrap_or(any),
        false => any,
    }
}

/// All ways between two groups.
fn between(one: &[usize], other: &[usize]) -> Ways {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b);
    pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect()
}

fn cut_for_a_while(world: &mut World, chance: &mut Chance, ways: Ways) -> Ends {
    let by = world.net.new_holder();
    set_cut(world, by, &ways, true);
    Ends::after(a_while(chance), move |world| set_cut(world, by, &ways, false))
}

pub(super) fn set_cut(world: &mut World, by: Holder, ways: &[(usize, usize)], is_cut: bool) {
    for (from, to) in ways {
        world.net.change_link(*from, *to, |link| link.set_cut(by, is_cut));
    }
}
