//! Opens slots for booking, all or none.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::due::DueKind;
use crate::event::{Event, SlotEvent};
use crate::ids::{ResourceId, SlotId};
use crate::outcome::{Halt, Outcome, Rejection};
use crate::pools::PoolCounts;
use crate::principal::Role;
use crate::resources::Resource;
use crate::rows::{Key, ReadTyped as _};
use crate::slots::{Pool, PoolKind, Slot, SlotStatus, Window};

/// Slots one command may open. The facade refuses more.
pub const SLOTS_PER_COMMAND_MAX: usize = 1000;

/// Pools one command may open, in all its slots together: less than the 1 MiB that an entry holds, and a few milliseconds of apply. The
/// facade refuses more.
pub const POOLS_PER_COMMAND_MAX: usize = 4000;

/// Pools one slot may sell. The facade refuses more.
pub const POOLS_PER_SLOT_MAX: usize = 64;

/// Opens slots of one resource. Operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSlots {
    /// Of which resource.
    pub resource: ResourceId,
    /// The slots to be; at least one.
    pub slots: Vec<NewSlot>,
}

/// A slot to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSlot {
    /// From when to when.
    pub window: Window,
    /// What it sells; at least one.
    pub pools: Vec<NewPool>,
}

/// A pool to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPool {
    /// What it is called.
    pub name: String,
    /// How its places are told apart.
    pub kind: PoolKind,
}

impl OpenSlots {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        if context.row::<Resource>(self.resource).is_none() {
            return Err(Rejection::ResourceNotFound(self.resource).into());
        }

        let opened = self.slots.iter().map(|slot| open(context, self.resource, slot));
        Ok(Outcome::Slots(opened.collect::<Result<_, _>>()?))
    }
}

fn open(context: &mut Context<'_>, resource: ResourceId, new: &NewSlot) -> Result<(SlotId, Slot), Halt> {
    let id = context.next_slot()?;
    let pools = new.pools.iter().map(|pool| open_pool(context, pool)).collect::<Result<_, _>>()?;
    let slot = Slot { resource, window: new.window, status: SlotStatus::Open, pools };
    let (starts_at, ends_at) = (new.window.starts_at(), new.window.ends_at());

    context.put(id, slot.clone());
    context.index(Key::SlotByWindow(resource, starts_at, ends_at, id));
    context.index(Key::Due(starts_at, DueKind::SlotStarts, id.0));
    context.index(Key::Due(ends_at, DueKind::SlotEnds, id.0));
    context.emit(Event::Slot { kind: SlotEvent::Opened, slot: id, resource });
    Ok((id, slot))
}

fn open_pool(context: &mut Context<'_>, new: &NewPool) -> Result<Pool, Halt> {
    let id = context.next_pool()?;
    let PoolKind::Counter { capacity } = new.kind;
    context.put(id, PoolCounts::open(capacity));
    Ok(Pool { id, name: new.name.clone(), kind: new.kind })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn slots_open_all_or_none_and_only_for_operators() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=2
            at 0 olga opens slot resource=7 from=100 to=200 capacity=2
            at 0 mia opens slot resource=7 from=100 to=200 capacity=2
            at 0 look slot:1
            at 0 look slot:2
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=2 -> slot:1 [slot.opened]
                olga opens slot resource=7 from=100 to=200 capacity=2 -> resource_not_found resource:7
                mia opens slot resource=7 from=100 to=200 capacity=2 -> forbidden
                look slot:1 -> open 100..200 pool:1 available=2 held=0 confirmed=0
                look slot:2 -> nothing
            "#]],
        );
    }
}
