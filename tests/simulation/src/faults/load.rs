//! More calls than usual, and calls made twice.

use super::{Ends, Fault};
use crate::chance::Chance;
use crate::world::World;

pub struct Overload;
pub struct AskTwice;

impl Fault for Overload {
    fn name(&self) -> &'static str {
        "overload"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let for_ms = chance.between(100..=800);
        world.load.burst(world.time.now_ms() + for_ms);
        Some(Ends::after(for_ms, |_| ()))
    }
}

impl Fault for AskTwice {
    fn name(&self) -> &'static str {
        "asked twice"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        world.load.ask_twice(chance.between(10..=60));
        Some(Ends::after(chance.between(500..=6000), |world| world.load.ask_twice(0)))
    }
}
