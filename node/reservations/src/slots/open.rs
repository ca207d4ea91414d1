//! Opens slots for booking, all or none.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::day;
use crate::event::{Event, SlotEvent};
use crate::ids::{ResourceId, SlotId};
use crate::outcome::{Contradiction, Halt, Outcome, Rejection};
use crate::payments::Money;
use crate::policies::{PolicyField, Scope, set};
use crate::pools::PoolCounts;
use crate::resources::Resource;
use crate::rows::ReadTyped as _;
use crate::seats::{SeatPlan, Seats};
use crate::slots::{self, Pool, PoolKind, Slot, SlotStatus, Window};

/// Slots one command may open. The facade refuses more.
pub const SLOTS_PER_COMMAND_MAX: usize = 1000;

/// Pools one command may open, in all its slots together: less than the 1 MiB that an entry holds, and a few milliseconds of apply. The
/// facade refuses more.
pub const POOLS_PER_COMMAND_MAX: usize = 4000;

/// Pools one slot may sell. The facade refuses more.
pub const POOLS_PER_SLOT_MAX: usize = 64;

/// Opens slots of one resource. Operators, and whoever the resource belongs to.
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
    /// What it sells.
    pub places: NewPlaces,
}

/// What a pool is to sell. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewPlaces {
    /// So many places, all alike.
    Counter {
        /// How many.
        capacity: u32,
    },
    /// Seats.
    Seats(SeatPlan),
    /// Either of them on terms.
    OnTerms(Box<NewPlaces>, Terms),
}

/// On which terms places are sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What a place costs.
    pub price: Option<Money>,
    /// A line or two for guests.
    pub description: String,
    /// What else is decided for the pool, as by a policy.
    pub policy: Vec<(PolicyField, u64)>,
}

impl OpenSlots {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let resource = context.row::<Resource>(self.resource).filter(|resource| resource.is_offered());
        match resource {
            // Who opens slots nowhere need not know what there is.
            None if !actor.role.operates() => return Err(Rejection::Forbidden.into()),
            None => return Err(Rejection::ResourceNotFound(self.resource).into()),
            Some(resource) => resource.expect_managed_by(actor)?,
        }

        let opened = self.slots.iter().map(|slot| open(context, self.resource, slot));
        Ok(Outcome::Slots(opened.collect::<Result<_, _>>()?))
    }
}

/// Opens a slot of a resource.
pub(crate) fn open(
    context: &mut Context<'_>,
    resource: ResourceId,
    new: &NewSlot,
) -> Result<(SlotId, Slot), Halt> {
    let id = context.next_slot()?;
    let pools = new.pools.iter().map(|pool| open_pool(context, id, pool)).collect::<Result<_, _>>()?;
    let slot = Slot { resource, window: new.window, status: SlotStatus::Open, pools };
    slots::expect_seats_fit(&slot.pools)?;
    context.put(id, slot.clone());
    slots::index(context, id, &slot);
    day::plan(context, id, &slot);
    context.emit(Event::Slot { kind: SlotEvent::Opened, slot: id, resource });
    Ok((id, slot))
}

/// Opens a pool of a slot.
pub(super) fn open_pool(context: &mut Context<'_>, slot: SlotId, new: &NewPool) -> Result<Pool, Halt> {
    let id = context.next_pool()?;
    let (places, terms) = match &new.places {
        NewPlaces::OnTerms(places, terms) => (&**places, terms.clone()),
        places @ (NewPlaces::Counter { .. } | NewPlaces::Seats(_)) => (places, Terms::default()),
    };
    let kind = match places {
        NewPlaces::Counter { capacity } => PoolKind::Counter { capacity: *capacity },
        NewPlaces::Seats(plan) => {
            context.put(id, Seats { slot, plan: plan.clone() });
            PoolKind::Seats { capacity: plan.count() }
        }
        // Terms of terms: no facade makes them.
        NewPlaces::OnTerms(..) => return Err(Contradiction::Overflow.into()),
    };
    context.put(id, PoolCounts::open(kind.capacity()));
    if !terms.policy.is_empty() {
        let fields: Vec<_> = terms.policy.iter().map(|(field, value)| (*field, Some(*value))).collect();
        set::write(context, Scope::Pool(id), &fields);
    }
    Ok(Pool { id, name: new.name.clone(), kind, price: terms.price, description: terms.description })
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
