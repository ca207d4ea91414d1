//! Takes places for bookings and frees them: the counts of the pool, its seats, deadlines, and what is counted by user
//! change together here and nowhere else.

use crate::bookings::{Booking, BookingState};
use crate::context::Context;
use crate::due::DueKind;
use crate::holds::confirm::Kept;
use crate::ids::{BookingId, ResourceId};
use crate::outcome::{Contradiction, Halt, MissingRow};
use crate::policies::limits;
use crate::pools::{self, Taken};
use crate::rows::Key;
use crate::seats::{BookedSeat, SeatState, map};
use crate::slots::Slot;

/// Takes a booking's places. The caller has checked that they are there.
pub(crate) fn take(context: &mut Context<'_>, id: BookingId, booking: &Booking) -> Result<(), Halt> {
    let Some(taken) = taken(&booking.state) else { return Ok(()) };
    pools::take(context, booking.pool, taken, booking.count)?;
    set_seats(context, id, booking, &booking.seats, seat_state(taken))?;
    let resource = resource(context, booking)?;
    limits::change(context, booking.user, resource, |places| places.checked_add(booking.count))?;
    note_deadline(context, id, booking, resource);
    Ok(())
}

/// Frees a booking's places.
pub(crate) fn free(context: &mut Context<'_>, id: BookingId, booking: &Booking) -> Result<(), Halt> {
    let Some(taken) = taken(&booking.state) else { return Ok(()) };
    pools::give_back(context, booking.pool, taken, booking.count)?;
    set_seats(context, id, booking, &booking.seats, SeatState::Available)?;
    let resource = resource(context, booking)?;
    limits::change(context, booking.user, resource, |places| places.checked_sub(booking.count))?;
    forget_deadline(context, id, booking, resource);
    Ok(())
}

/// Makes held places those of a booking, and frees what is not kept.
pub(crate) fn confirm(
    context: &mut Context<'_>,
    id: BookingId,
    held: &Booking,
    kept: &Kept,
) -> Result<(), Halt> {
    let freed = held.count.checked_sub(kept.count).ok_or(Contradiction::Overflow)?;
    pools::confirm(context, held.pool, held.count, kept.count)?;
    let (stay, go): (Vec<BookedSeat>, Vec<BookedSeat>) =
        held.seats.iter().cloned().partition(|seat| kept.seats.contains(seat));
    set_seats(context, id, held, &stay, SeatState::Sold)?;
    set_seats(context, id, held, &go, SeatState::Available)?;
    let resource = resource(context, held)?;
    limits::change(context, held.user, resource, |places| places.checked_sub(freed))?;
    forget_deadline(context, id, held, resource);
    Ok(())
}

/// Notes when a hold ends.
pub(crate) fn note_deadline(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
    resource: ResourceId,
) {
    for key in deadline_keys(id, booking, resource) {
        context.index(key);
    }
}

/// Forgets when a hold would have ended.
pub(crate) fn forget_deadline(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
    resource: ResourceId,
) {
    for key in deadline_keys(id, booking, resource) {
        context.delete(key);
    }
}

/// Where the deadline of a hold is found: by moment, by pool, and by user.
pub(crate) fn deadline_keys(id: BookingId, booking: &Booking, resource: ResourceId) -> Vec<Key> {
    let BookingState::Held { expires_at, .. } = booking.state else { return Vec::new() };
    vec![
        Key::Due(expires_at, DueKind::HoldExpires, id.0),
        Key::HoldByPool(booking.pool, expires_at, id),
        Key::HoldByUser(booking.user, resource, expires_at, id),
    ]
}

/// As what a booking in this state has its places, if it has any.
fn taken(state: &BookingState) -> Option<Taken> {
    match state {
        BookingState::Held { .. } => Some(Taken::Held),
        BookingState::Confirmed
        | BookingState::Ready { .. }
        | BookingState::Used { .. }
        | BookingState::NoShow { is_released: false, .. } => Some(Taken::Confirmed),
        BookingState::Cancelled { .. }
        | BookingState::Expired { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. }
        | BookingState::NoShow { is_released: true, .. } => None,
    }
}

fn seat_state(taken: Taken) -> SeatState {
    match taken {
        Taken::Held => SeatState::Held,
        Taken::Confirmed => SeatState::Sold,
    }
}

/// INV-3: a seat that somebody else has is never given away, and only who has it gives it back.
fn set_seats(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
    seats: &[BookedSeat],
    state: SeatState,
) -> Result<(), Halt> {
    for seat in seats {
        let owner = map::owner(context, booking.pool, seat.number);
        let is_own = owner == Some(id);
        let is_consistent = is_own || (owner.is_none() && state != SeatState::Available);
        if !is_consistent {
            return Err(Contradiction::SeatTwice(booking.pool, seat.number).into());
        }
        map::set(context, booking.pool, seat.number, state, id);
    }
    Ok(())
}

fn resource(context: &Context<'_>, booking: &Booking) -> Result<ResourceId, Contradiction> {
    let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
    Ok(slot.resource)
}
