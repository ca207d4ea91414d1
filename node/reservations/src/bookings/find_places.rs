//! Finds the places somebody wants, or says why there are none.

use crate::bookings;
use crate::bookings::reserve::Places;
use crate::context::Context;
use crate::holds;
use crate::ids::PoolId;
use crate::outcome::{Contradiction, Halt, Rejection, SeatUnavailable};
use crate::rows::{ReadRows, ReadTyped as _};
use crate::seats::choose::{self, Access};
use crate::seats::map::{self, SeatMap};
use crate::seats::{BookedSeat, SeatName, SeatState, Seats};
use crate::slots::{Pool, PoolKind, Slot};
use crate::{bookings::Booking, bookings::BookingState};

/// Places that are there.
pub(super) struct Found {
    pub(super) count: u32,
    pub(super) seats: Vec<BookedSeat>,
}

/// The places somebody wants of a pool. Those of lapsed holds are there: the holds end with this.
pub(super) fn find(
    context: &mut Context<'_>,
    slot: &Slot,
    pool: &Pool,
    wanted: &Places,
) -> Result<Found, Halt> {
    match (pool.kind, wanted) {
        (PoolKind::Counter { .. }, Places::Count(count) | Places::Best { count, is_accessible: false }) => {
            bookings::expect_room(context, slot, pool.id, *count)?;
            Ok(Found { count: *count, seats: Vec::new() })
        }
        (PoolKind::Counter { .. }, Places::Best { .. }) => Err(Rejection::NoSeats(pool.id).into()),
        (PoolKind::Counter { .. }, Places::Seats(_)) => Err(Rejection::NoSeats(pool.id).into()),
        (PoolKind::Seats { .. }, Places::Count(count)) => {
            best(context, slot, pool.id, *count, Access::Ordinary)
        }
        (PoolKind::Seats { .. }, Places::Best { count, is_accessible }) => {
            let access = if *is_accessible { Access::Wheelchair } else { Access::Ordinary };
            best(context, slot, pool.id, *count, access)
        }
        (PoolKind::Seats { .. }, Places::Seats(names)) => named(context, pool.id, names),
    }
}

fn best(
    context: &mut Context<'_>,
    slot: &Slot,
    pool: PoolId,
    count: u32,
    access: Access,
) -> Result<Found, Halt> {
    // Which seats are best depends on all that are free.
    holds::end_lapsed(context, pool, |_| false)?;
    bookings::expect_room(context, slot, pool, count)?;
    let chosen = choose_of(context, pool, count, access).ok_or(Rejection::NoSuchSeatsLeft)?;
    let seats = expect_seats(context, pool)?;
    let booked = chosen.into_iter().filter_map(|number| {
        let label = seats.plan.seat(number)?.label;
        Some(BookedSeat { number, label })
    });
    Ok(Found { count, seats: booked.collect() })
}

fn choose_of(context: &Context<'_>, pool: PoolId, count: u32, access: Access) -> Option<Vec<u32>> {
    let seats = context.row::<Seats>(pool)?;
    let mut map = SeatMap::of(context, pool);
    choose::best(&seats.plan, count, access, |seat| map.state(seat) == SeatState::Available)
}

fn named(context: &mut Context<'_>, pool: PoolId, names: &[SeatName]) -> Result<Found, Halt> {
    let seats = expect_seats(context, pool)?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let seat = seats.plan.find(name).ok_or_else(|| Rejection::SeatNotFound(name.clone()))?;
        found.push(BookedSeat { number: seat.number, label: seat.label });
    }
    found.sort_unstable();
    found.dedup();
    for seat in &found {
        expect_free(context, pool, seat)?;
    }
    let count = u32::try_from(found.len()).map_err(|_| Contradiction::Overflow)?;
    Ok(Found { count, seats: found })
}

/// Refuses a seat somebody has. A hold on it that has lapsed ends.
fn expect_free(context: &mut Context<'_>, pool: PoolId, seat: &BookedSeat) -> Result<(), Halt> {
    let Some(owner) = map::owner(context, pool, seat.number) else { return Ok(()) };
    let state = context.row::<Booking>(owner).map(|booking| booking.state_at(context.now));
    let held_until = match state {
        Some(BookingState::Expired { .. }) => return holds::expire::expire(context, owner),
        Some(BookingState::Held { expires_at, .. }) => Some(expires_at),
        Some(
            BookingState::Confirmed
            | BookingState::Used { .. }
            | BookingState::Cancelled { .. }
            | BookingState::Queued { .. }
            | BookingState::Rejected { .. },
        )
        | None => None,
    };
    Err(Rejection::SeatTaken(SeatUnavailable { label: seat.label.clone(), held_until }).into())
}

fn expect_seats(rows: &impl ReadRows, pool: PoolId) -> Result<std::sync::Arc<Seats>, Halt> {
    rows.row::<Seats>(pool).ok_or_else(|| Rejection::NoSeats(pool).into())
}
