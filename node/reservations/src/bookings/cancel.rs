//! Gives a booking back.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::event::BookingEvent;
use crate::ids::BookingId;
use crate::outcome::{Halt, MissingRow, Outcome};
use crate::places;
use crate::slots::Slot;

/// Gives a booking back; its places are free at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
}

impl Cancel {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let booking = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        bookings::expect_live(&booking, context.now)?;
        let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
        bookings::expect_bookable(context, booking.slot, &slot)?;

        places::free(context, self.booking, &booking)?;
        let cancelled = Booking { state: BookingState::Cancelled { at: context.now }, ..(*booking).clone() };
        let cancelled = bookings::change(context, self.booking, cancelled, BookingEvent::Cancelled)?;
        Ok(Outcome::Booking(self.booking, cancelled))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_cancelled_place_can_be_had_by_another() {
        check(
            "
            at 0   olga opens slot resource=1 from=100 to=200 capacity=1
            at 1   mia books slot:1
            at 2   tom cancels booking:1
            at 3   mia cancels booking:1 version=7
            at 3   mia cancels booking:1 version=1
            at 4   mia cancels booking:1
            at 5   tom books slot:1
            at 200 tom cancels booking:2
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=1 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom cancels booking:1 -> booking_not_found booking:1
                mia cancels booking:1 version=7 -> version_mismatch current=1
                mia cancels booking:1 version=1 -> booking:1 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
                mia cancels booking:1 -> already_cancelled
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                tom cancels booking:2 -> too_late ended_at=200
            "#]],
        );
    }
}
