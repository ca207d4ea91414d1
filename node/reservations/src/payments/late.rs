//! Payments that come when the hold has ended: refused, unless a policy lets them take the places again.

use crate::bookings::{Booking, BookingState};
use crate::context::Context;
use crate::holds::{self, confirm::Kept};
use crate::ids::BookingId;
use crate::outcome::{Halt, MissingRow, Rejection};
use crate::places;
use crate::policies::{Chain, PolicyField, limits};
use crate::pools::PoolCounts;
use crate::rows::ReadTyped as _;
use crate::seats::{BookedSeat, Seats, map};
use crate::slots::Slot;
use crate::time::Millis;

/// Whether a hold has ended, but so lately that a payment may still take its places again.
pub(crate) fn may_still_be_paid(context: &Context<'_>, booking: &Booking) -> bool {
    let BookingState::Expired { at } = booking.state_at(context.now) else { return false };
    let Some(slot) = context.row::<Slot>(booking.slot) else { return false };
    let chain = Chain::of_pool(context, booking.pool, booking.slot, &slot);
    let grace = chain.field(context, PolicyField::LatePayment).unwrap_or(0);
    context.now < at.plus(Millis(grace)) && slot.is_bookable_at(context.now)
}

/// Takes the places of a hold that has ended again, or refuses because somebody else has them.
pub(crate) fn take_again(
    context: &mut Context<'_>,
    id: BookingId,
    ended: &Booking,
    kept: &Kept,
) -> Result<(), Halt> {
    holds::end_lapsed(context, ended.pool, |context| is_there(context, ended, kept))?;
    if !is_there(context, ended, kept) {
        return Err(Rejection::PlacesGone.into());
    }
    let slot = context.expect_row::<Slot>(ended.slot, MissingRow::Slot(ended.slot))?;
    limits::expect_within(context, ended.user, (ended.slot, &slot, ended.pool), kept.count, 0)?;
    places::take(context, id, &kept.of(ended))
}

fn is_there(context: &Context<'_>, ended: &Booking, kept: &Kept) -> bool {
    let has_room = context.row::<PoolCounts>(ended.pool).is_some_and(|counts| counts.available >= kept.count);
    let plan = context.row::<Seats>(ended.pool);
    // The pool may have got other seats meanwhile.
    let is_planned = |seat: &BookedSeat| {
        let planned = plan.as_ref().and_then(|seats| seats.plan.seat(seat.number));
        planned.is_some_and(|planned| planned.label == seat.label)
    };
    let is_free = |seat: &BookedSeat| map::owner(context, ended.pool, seat.number).is_none();
    has_room && kept.seats.iter().all(|seat| is_planned(seat) && is_free(seat))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_seat_that_is_no_more_is_not_taken_again() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000000 to=2000000 seats=3,4
            at 0 olga sets policy cluster late=1000000
            at 0 mia holds slot:1 seats=4 for=60
            at 60 olga reseats slot:1 count=4
            at 70 mia confirms booking:1 paid=r
            at 70 tom books slot:1 seats=4
            at 70 look seats pool:1
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000000 to=2000000 seats=3,4 -> slot:1 [slot.opened]
                olga sets policy cluster late=1000000 -> Cluster late=1000000
                mia holds slot:1 seats=4 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 seats=4 until=60 [booking.held]
                olga reseats slot:1 count=4 -> slot:1 [booking.expired slot.changed]
                mia confirms booking:1 paid=r -> places_gone
                tom books slot:1 seats=4 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 seats=4 [booking.confirmed]
                look seats pool:1 -> 1=available 2=available 3=available 4=sold(booking:2)
            "#]],
        );
    }
}
