//! Ends a hold whose deadline has come.

use std::sync::Arc;

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::event::BookingEvent;
use crate::ids::BookingId;
use crate::outcome::{Contradiction, Halt, MissingRow};
use crate::places;

/// Ends a hold; its places are free from then on.
pub(crate) fn expire(context: &mut Context<'_>, id: BookingId) -> Result<(), Halt> {
    let booking = context.expect_row::<Booking>(id, MissingRow::Booking(id))?;
    let BookingState::Held { expires_at, .. } = booking.state else {
        return Err(Contradiction::RowMissing(MissingRow::Booking(id)).into());
    };
    places::free(context, id, &booking)?;
    let expired = Booking { state: BookingState::Expired { at: expires_at }, ..(*booking).clone() };
    bookings::change(context, id, expired, BookingEvent::Expired)?;
    Ok(())
}

/// A booking as it is now: if it is a hold that has lapsed, that has ended.
pub(crate) fn end_if_lapsed(
    context: &mut Context<'_>,
    id: BookingId,
    booking: Arc<Booking>,
) -> Result<Arc<Booking>, Halt> {
    match (booking.state, booking.state_at(context.now)) {
        (BookingState::Held { .. }, BookingState::Expired { .. }) => {
            expire(context, id)?;
            Ok(context.expect_row::<Booking>(id, MissingRow::Booking(id))?)
        }
        _ => Ok(booking),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_hold_ends_at_its_deadline_for_everybody_before_any_tick() {
        check(
            "
            at 0  olga opens slot resource=1 from=1000 to=2000 capacity=2
            at 0  mia holds slot:1 count=2 for=60
            at 59 tom books slot:1
            at 60 tom books slot:1
            at 60 look slot:1
            at 60 mia confirms booking:1
            at 60 mia cancels booking:1
            at 60 mia extends booking:1 for=60
            at 60 tick
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=2 -> slot:1 [slot.opened]
                mia holds slot:1 count=2 for=60 -> booking:1 held slot:1 pool:1 user:3 count=2 version=1 until=60 [booking.held]
                tom books slot:1 -> slot_full available=0 sold_out_at=0
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.expired booking.confirmed]
                look slot:1 -> open 1000..2000 pool:1 available=1 held=0 confirmed=1
                mia confirms booking:1 -> hold_expired expired_at=60
                mia cancels booking:1 -> hold_expired expired_at=60
                mia extends booking:1 for=60 -> hold_expired expired_at=60
                tick -> ticked 0
            "#]],
        );
    }

    /// Trap T16: the clock of another machine. A leader whose clock is behind stamps what it likes; agreed time stands
    /// still for it, and a hold neither comes back nor goes early.
    #[test]
    fn t16_a_hold_ends_by_agreed_time_whoever_stamps_it() {
        check(
            "
            at 1000 olga opens slot resource=1 from=9000 to=9900 capacity=1
            at 1000 mia holds slot:1 for=60
            at 400  tick
            at 1059 tom books slot:1
            at 500  tom books slot:1
            at 1060 tick
            at 700  mia confirms booking:1
            at 700  tom holds slot:1 for=60
            at 800  time
            ",
            &expect![[r#"
                olga opens slot resource=1 from=9000 to=9900 capacity=1 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=1060 [booking.held]
                tick -> ticked 0
                tom books slot:1 -> slot_full available=0 sold_out_at=1000
                tom books slot:1 -> slot_full available=0 sold_out_at=1000
                tick -> ticked 1 [booking.expired]
                mia confirms booking:1 -> hold_expired expired_at=1060
                tom holds slot:1 for=60 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=1120 [booking.held]
                time -> 1060
            "#]],
        );
    }

    #[test]
    fn a_tick_ends_what_is_due_and_a_hold_that_was_extended_is_not() {
        check(
            "
            at 0  olga opens slot resource=1 from=1000 to=2000 capacity=3
            at 0  mia holds slot:1 for=60
            at 0  tom holds slot:1 for=60
            at 30 mia extends booking:1 for=60
            at 60 tick
            at 60 look slot:1
            at 89 mia confirms booking:1
            at 90 tick
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=3 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                tom holds slot:1 for=60 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=60 [booking.held]
                mia extends booking:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=2 until=90 [booking.changed]
                tick -> ticked 1 [booking.expired]
                look slot:1 -> open 1000..2000 pool:1 available=2 held=1 confirmed=0
                mia confirms booking:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=3 [booking.confirmed]
                tick -> ticked 0
            "#]],
        );
    }
}
