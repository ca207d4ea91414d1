//! Machines that stand still for a while, as when they are suspended, and go on as if nothing had been.

use super::{Ends, Fault};
use crate::chance::Chance;
use crate::world::World;

pub struct Pause;

impl Fault for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn begin(&self, world: &mut World, chance: &mut Chance) -> Option<Ends> {
        let now_ms = world.time.now_ms();
        let longest = *chance.pick(&[200, 1500, 6000]);
        let mut some = world.up();
        chance.shuffle(&mut some);
        some.truncate(chance.between(1..=2) as usize);
        if chance.percent(50)
            && let Some(leader) = world.leader()
        {
            some = vec![leader];
        }
        for position in &some {
            let until_ms = now_ms + chance.between(50..=longest);
            world.hosts[*position].pause(now_ms, until_ms);
        }
        (!some.is_empty()).then(|| {
            Ends::after(longest, move |world| {
                let now_ms = world.time.now_ms();
                some.iter().for_each(|position| world.hosts[*position].resume(now_ms));
            })
        })
    }
}
