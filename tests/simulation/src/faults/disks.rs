//! Disks that are slow, stand still, are full, fail, forget, rot, or are another node's.

use std::io;

use holdfast_storage::simulated::DiskOperation;

use super::{Ends, Fault, WAIT_MS, a_while};
use crate::chance::Chance;
use crate::disk::{Disk, Pace};
use crate::host::Loss;
use crate::network::Holder;
use crate::observation::Ending;
use crate::world::World;

pub struct Slow;
pub struct Grouped;
pub struct Stalled;
pub struct StalledForGood;
pub struct Full;
pub struct FailedSync;
pub struct ReadError;
pub struct Rot;
pub struct Wiped;
pub struct Swapped;

impl Fault for Slow {
    fn name(&self) -> &'static str {
        "slow disk"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let longest = *chance.pick(&[10, 60, 400, 2000]);
        Some(paced(world, chance, Pace::Syncs(1..=longest)))
    }
}

impl Fault for Grouped {
    fn name(&self) -> &'static str {
        "grouped syncs"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let every_ms = chance.between(5..=150);
        Some(paced(world, chance, Pace::Grouped(every_ms)))
    }
}

impl Fault for Stalled {
    fn name(&self) -> &'static str {
        "stalled disk"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        Some(paced(world, chance, Pace::Stalled))
    }
}

impl Fault for StalledForGood {
    fn name(&self) -> &'static str {
        "disk stalled for good"
    }

    /// No sync ever completes, until whoever watches over the processes ends this one, or pulls the plug.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let position = *chance.pick(&some_up(world)?);
        let by = world.net.new_holder();
        world.hosts[position].disk.slow_down(by, Pace::Stalled);
        let loss = if chance.percent(50) { Loss::Power } else { Loss::Process };
        Some(Ends::after(chance.between(2000..=12_000), move |world| {
            world.hosts[position].end(loss);
            let_go(world, by);
            world.hosts[position].start();
        }))
    }
}

impl Fault for Full {
    fn name(&self) -> &'static str {
        "full disk"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let position = chance.position(world.hosts.len());
        let by = suspect(world, position)?;
        let disk = world.hosts[position].disk.handle();
        disk.set_capacity(Some(disk.bytes() + chance.between(0..=20_000)));
        let (before, filled) = (disk.refusals(), disk.clone());
        let ends = Ends::after(a_while(chance), move |world| {
            filled.set_capacity(None);
            world.release(position, by);
        });
        Some(ends.counted_when(move |_| disk.refusals() > before))
    }
}

impl Fault for FailedSync {
    fn name(&self) -> &'static str {
        "failed sync"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let position = *chance.pick(&some_up(world)?);
        let by = suspect(world, position)?;
        let before = world.hosts[position].disk.failed_syncs();
        world.hosts[position].disk.fail_next_sync();
        let ends = Ends::after(WAIT_MS, move |world| {
            world.hosts[position].disk.fail_no_sync();
            world.release(position, by);
        });
        Some(ends.counted_when(move |world| world.hosts[position].disk.failed_syncs() > before))
    }
}

impl Fault for ReadError {
    fn name(&self) -> &'static str {
        "read error"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let position = *chance.pick(&some_up(world)?);
        let nth = chance.between(1..=3);
        let by = suspect(world, position)?;
        let disk = world.hosts[position].disk.handle();
        let before = disk.refusals();
        disk.fail(DiskOperation::Read, nth, io::ErrorKind::Other);
        let meant = disk.clone();
        let ends = Ends::after(WAIT_MS, move |world| {
            meant.forget_failures();
            world.release(position, by);
        });
        Some(ends.counted_when(move |_| disk.refusals() > before))
    }
}

impl Fault for Rot {
    fn name(&self) -> &'static str {
        "rot"
    }

    /// A bit turns while a node is down; it may refuse to start, and may not lie. Not after a loss of power: what was
    /// acknowledged in the last second before it is known by its own checksum alone, and rots unnoticed.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let position = world.may_lose(chance).filter(|position| world.hosts[*position].is_up())?;
        let host = &mut world.hosts[position];
        host.end(Loss::Process);
        let disk = host.disk.handle();
        let files: Vec<_> = disk.files().into_iter().filter(|(_, length)| *length > 0).collect();
        let has_rotten = !files.is_empty();
        if has_rotten {
            let (path, length) = chance.pick(&files).clone();
            let bit = chance.between(0..=length * 8 - 1) as usize;
            drop(disk.flip_bit(&path, bit));
        }
        host.ended = Ending::DiskLost;
        world.lose(position);
        let ends = restarted(position, chance.between(1..=1000));
        Some(ends.counted_when(move |_| has_rotten))
    }
}

impl Fault for Wiped {
    fn name(&self) -> &'static str {
        "wiped disk"
    }

    /// A node comes back with an empty disk under its old address: it is refused by name.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let position = world.may_lose(chance)?;
        let host = &mut world.hosts[position];
        host.end(Loss::Power);
        host.replace_disk(Disk::new(chance.fork()));
        world.lose(position);
        Some(restarted(position, chance.between(1..=1000)))
    }
}

impl Fault for Swapped {
    fn name(&self) -> &'static str {
        "swapped disks"
    }

    /// Two nodes are started with each other's disk: both are refused, and nothing is lost once they are put right.
    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let mut some = some_up(world)?;
        // A disk that is away is put right before it goes elsewhere, and one that lost something stays where it did.
        // Nor does one that is at fault. One that is no member yet would be let in at the address where it is then.
        some.retain(|position| {
            world.is_member(*position)
                && !world.swapped.contains(position)
                && !world.lost.contains(position)
                && !world.suspects.is_at_fault(*position)
        });
        chance.shuffle(&mut some);
        let [one, other, ..] = some[..] else { return None };
        world.swapped.extend([one, other]);
        let faults = [one, other].map(|position| world.suspect(position));
        for position in [one, other] {
            world.hosts[position].end(Loss::Process);
        }
        swap(world, one, other);
        let known = [one, other].map(|position| world.watcher.take(position));
        for position in [one, other] {
            world.hosts[position].start();
        }
        Some(Ends::after(chance.between(500..=4000), move |world| {
            for position in [one, other] {
                world.hosts[position].end(Loss::Process);
            }
            swap(world, one, other);
            for ((position, known), by) in [one, other].into_iter().zip(known).zip(faults) {
                world.watcher.put_back(position, known);
                world.swapped.remove(&position);
                world.release(position, by);
                world.hosts[position].start();
            }
        }))
    }
}

/// From now on its node may stop for what its disk does; not while the disk is another node's.
fn suspect(world: &mut World, position: usize) -> Option<Holder> {
    (!world.swapped.contains(&position)).then(|| world.suspect(position))
}

fn swap(world: &mut World, one: usize, other: usize) {
    let spare = Disk::new(Chance::new(0));
    let first = world.hosts[one].replace_disk(spare);
    let second = world.hosts[other].replace_disk(first);
    world.hosts[one].replace_disk(second);
    for position in [one, other] {
        world.hosts[position].ended = Ending::Kept;
    }
}

fn paced(world: &mut World, chance: &mut Chance, pace: Pace) -> Ends {
    let mut some: Vec<usize> = (0..world.hosts.len()).collect();
    chance.shuffle(&mut some);
    some.truncate(chance.between(1..=3) as usize);
    let by = world.net.new_holder();
    for position in &some {
        world.hosts[*position].disk.slow_down(by, pace.clone());
    }
    let disks: Vec<_> = some.iter().map(|position| world.hosts[*position].disk.handle()).collect();
    let ends = Ends::after(a_while(chance), move |world| let_go(world, by));
    ends.counted_when(move |_| disks.iter().any(|disk| disk.held_syncs() > 0))
}

/// A disk may be in another machine by now.
fn let_go(world: &mut World, by: Holder) {
    world.hosts.iter_mut().for_each(|host| host.disk.let_go(by));
}

fn some_up(world: &World) -> Option<Vec<usize>> {
    let up = world.up();
    (!up.is_empty()).then_some(up)
}

fn restarted(position: usize, for_ms: u64) -> Ends {
    Ends::after(for_ms, move |world| world.hosts[position].start())
}
