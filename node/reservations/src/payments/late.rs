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
use crate::seats::map;
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
    limits::expect_within(context, ended.user, (ended.slot, &slot, ended.pool), kept.count)?;
    places::take(context, id, &kept.of(ended))
}

fn is_there(context: &Context<'_>, ended: &Booking, kept: &Kept) -> bool {
    let has_room = context.row::<PoolCounts>(ended.pool).is_some_and(|counts| counts.available >= kept.count);
    has_room && kept.seats.iter().all(|seat| map::owner(context, ended.pool, seat.number).is_none())
}
