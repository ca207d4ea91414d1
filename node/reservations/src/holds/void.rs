//! Gives a hold back.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::event::BookingEvent;
use crate::holds;
use crate::ids::BookingId;
use crate::outcome::{Halt, Outcome};
use crate::places;

/// Gives a hold back, and refuses whatever is confirmed: cancelling for those who do not pay back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// Which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
}

impl Void {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let booking = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        holds::expect_held(&booking, context.now)?;

        places::free(context, self.booking, &booking)?;
        let voided = Booking { state: BookingState::Cancelled { at: context.now }, ..(*booking).clone() };
        let voided = bookings::change(context, self.booking, voided, BookingEvent::Cancelled)?;
        Ok(Outcome::Booking(self.booking, voided))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_hold_is_voided_once_and_what_is_confirmed_is_not() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=2
            at 0 mia holds slot:1
            at 0 tom voids booking:1
            at 0 mia voids booking:1
            at 0 mia voids booking:1
            at 0 tom holds slot:1 count=2
            at 0 tom confirms booking:2
            at 0 tom voids booking:2
            at 0 look slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=2 -> slot:1 [slot.opened]
                mia holds slot:1 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=600000 [booking.held]
                tom voids booking:1 -> booking_not_found booking:1
                mia voids booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
                mia voids booking:1 -> already_cancelled
                tom holds slot:1 count=2 -> booking:2 held slot:1 pool:1 user:4 count=2 version=1 until=600000 [booking.held]
                tom confirms booking:2 -> booking:2 confirmed slot:1 pool:1 user:4 count=2 version=2 [booking.confirmed]
                tom voids booking:2 -> not_held
                look slot:1 -> open 1000..2000 pool:1 available=0 held=0 confirmed=2
            "#]],
        );
    }
}
