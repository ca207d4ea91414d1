//! Nodes that join, leadership that is handed over, snapshots on demand.

use super::{Ends, Fault};
use crate::chance::Chance;
use crate::node::NodeWish;
use crate::world::World;

pub struct Join;
pub struct LeaderTransfer;
pub struct Snapshots;

impl Fault for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        world.add_host(chance).map(|_| Ends::at_once())
    }
}

impl Fault for LeaderTransfer {
    fn name(&self) -> &'static str {
        "leader transfer"
    }

    fn begin(&self, world: &mut World, _: &mut Chance) -> Option<Ends> {
        let leader = world.leader()?;
        world.hosts[leader].plan.state().wishes.push(NodeWish::StepDown);
        Some(Ends::at_once())
    }
}

impl Fault for Snapshots {
    fn name(&self) -> &'static str {
        "snapshots"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let (up, times) = (world.up(), chance.between(1..=4));
        let every_ms = chance.between(5..=300);
        let ends = Ends::after(every_ms * times + 1, |_| ());
        Some(ends.with_beat(every_ms, move |world, _| {
            for position in &up {
                world.hosts[*position].plan.state().wishes.push(NodeWish::Snapshot);
            }
        }))
    }
}
