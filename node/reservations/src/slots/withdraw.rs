//! Takes a slot off.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, BookingState};
use crate::context::Context;
use crate::day;
use crate::event::{Event, SlotEvent};
use crate::holds;
use crate::ids::SlotId;
use crate::outcome::{Halt, MissingRow, Outcome, Rejection};
use crate::pools::PoolCounts;
use crate::rows::Order;
use crate::slots::{self, Slot, SlotStatus};

/// Bookings of a slot looked at together.
const PAGE: usize = 256;

/// Takes a slot off in which nobody has places. Operators, and whoever the resource belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawSlot {
    /// Which.
    pub slot: SlotId,
}

impl WithdrawSlot {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let (slot, _) = slots::find_own(context, self.slot)?;
        for pool in &slot.pools {
            holds::end_lapsed(context, pool.id, |_| false)?;
            let counts = context.expect_row::<PoolCounts>(pool.id, MissingRow::Pool(pool.id))?;
            if counts.available != counts.capacity {
                return Err(Rejection::HasBookings.into());
            }
        }
        if has_queued(context, self.slot) {
            return Err(Rejection::HasBookings.into());
        }

        slots::forget(context, self.slot, &slot);
        day::forget(context, self.slot);
        context.put(self.slot, Slot { status: SlotStatus::Withdrawn, ..(*slot).clone() });
        context.emit(Event::Slot { kind: SlotEvent::Withdrawn, slot: self.slot, resource: slot.resource });
        Ok(Outcome::SlotWithdrawn(self.slot))
    }
}

/// Whether somebody waits for places that a job has promised him.
fn has_queued(context: &Context<'_>, slot: SlotId) -> bool {
    let mut after = None;
    loop {
        let page = bookings::list(context, bookings::Of::Slot(slot), after, Order::Ascending, PAGE);
        let Some((last, _)) = page.last() else { return false };
        after = Some(*last);
        if page.iter().any(|(_, booking)| matches!(booking.state, BookingState::Queued { .. })) {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_slot_is_changed_and_taken_off_by_its_owner_while_nobody_has_places_in_it() {
        check(
            "
            at 0 mia creates event name=Gig
            at 0 mia opens seats resource=2 from=1000 to=2000 count=3
            at 0 tom opens seats resource=2 from=1000 to=2000 count=3
            at 0 tom reschedules slot:1 from=3000 to=4000
            at 0 mia reschedules slot:1 from=3000 to=4000
            at 0 mia reseats slot:1 count=5
            at 0 tom books slot:1 seats=5
            at 0 mia reseats slot:1 count=5
            at 0 mia reseats slot:1 count=4
            at 0 mia withdraws slot:1
            at 0 mia withdraws resource:2
            at 0 tom cancels booking:1
            at 0 tom withdraws slot:1
            at 0 tom holds slot:1 for=60
            at 59 mia withdraws slot:1
            at 60 mia withdraws slot:1
            at 60 mia withdraws slot:1
            at 60 look slot:1
            at 0 tom books slot:1
            at 0 tom withdraws resource:2
            at 0 mia withdraws resource:2
            at 0 mia opens seats resource=2 from=1000 to=2000 count=3
            at 9000 tick
            ",
            &expect![[r#"
                mia creates event name=Gig -> resource:2 [venue.created resource.created]
                mia opens seats resource=2 from=1000 to=2000 count=3 -> slot:1 [slot.opened]
                tom opens seats resource=2 from=1000 to=2000 count=3 -> forbidden
                tom reschedules slot:1 from=3000 to=4000 -> forbidden
                mia reschedules slot:1 from=3000 to=4000 -> slot:1 [slot.changed]
                mia reseats slot:1 count=5 -> slot:1 [slot.changed]
                tom books slot:1 seats=5 -> booking:1 confirmed slot:1 pool:1 user:4 count=1 version=1 seats=5 [booking.confirmed]
                mia reseats slot:1 count=5 -> slot:1
                mia reseats slot:1 count=4 -> has_bookings
                mia withdraws slot:1 -> has_bookings
                mia withdraws resource:2 -> has_slots
                tom cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:4 count=1 version=2 seats=5 [booking.cancelled]
                tom withdraws slot:1 -> forbidden
                tom holds slot:1 for=60 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 seats=1 until=60 [booking.held]
                mia withdraws slot:1 -> has_bookings
                mia withdraws slot:1 -> withdrawn slot:1 [booking.expired slot.withdrawn]
                mia withdraws slot:1 -> slot_not_found slot:1
                look slot:1 -> withdrawn 3000..4000 pool:1 available=5 held=0 confirmed=0
                tom books slot:1 -> slot_not_found slot:1
                tom withdraws resource:2 -> forbidden
                mia withdraws resource:2 -> withdrawn resource:2 [resource.withdrawn]
                mia opens seats resource=2 from=1000 to=2000 count=3 -> forbidden
                tick -> ticked 0
            "#]],
        );
    }
}
