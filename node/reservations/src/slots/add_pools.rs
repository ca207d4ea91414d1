//! Lets a slot sell more: another kind of ticket.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::event::{Event, SlotEvent};
use crate::ids::SlotId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::slots::open::open_pool;
use crate::slots::{self, NewPool, POOLS_PER_SLOT_MAX, Slot};

/// Adds pools to a slot. Operators, and whoever the resource belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddPools {
    /// To which slot.
    pub slot: SlotId,
    /// The pools to be; at least one.
    pub pools: Vec<NewPool>,
}

impl AddPools {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let (slot, _) = slots::find_own(context, self.slot)?;
        if !slot.is_bookable_at(context.now) {
            return Err(Rejection::TooLate { ended_at: slot.window.ends_at() }.into());
        }
        if slot.pools.len().saturating_add(self.pools.len()) > POOLS_PER_SLOT_MAX {
            return Err(Rejection::TooManyPools.into());
        }

        let mut pools = slot.pools.clone();
        for pool in &self.pools {
            pools.push(open_pool(context, self.slot, pool)?);
        }
        slots::expect_seats_fit(&pools)?;
        let changed = Slot { pools, ..(*slot).clone() };
        context.put(self.slot, changed.clone());
        context.emit(Event::Slot { kind: SlotEvent::Changed, slot: self.slot, resource: slot.resource });
        Ok(Outcome::Slots(vec![(self.slot, changed)]))
    }
}
