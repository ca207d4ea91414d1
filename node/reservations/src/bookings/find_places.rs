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
use crate::seats::{BookedSeat, SEATS_PER_BOOKING_MAX, SeatName, SeatState, Seats};
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
            expect_few(*count as usize)?;
            best(context, slot, pool.id, *count, Access::Ordinary)
        }
        (PoolKind::Seats { .. }, Places::Best { count, is_accessible }) => {
            expect_few(*count as usize)?;
            let access = if *is_accessible { Access::Wheelchair } else { Access::Ordinary };
            best(context, slot, pool.id, *count, access)
        }
        (PoolKind::Seats { .. }, Places::Seats(names)) => {
            expect_few(names.len())?;
            named(context, pool.id, names)
        }
    }
}

fn expect_few(seats: usize) -> Result<(), Halt> {
    if seats <= SEATS_PER_BOOKING_MAX { Ok(()) } else { Err(Rejection::TooManySeats.into()) }
}

fn best(
    context: &mut Context<'_>,
    slot: &Slot,
    pool: PoolId,
    count: u32,
    access: Access,
) -> Result<Found, Halt> {
    bookings::expect_available(context, slot, pool, count)?;
    let chosen = choose_of(context, pool, count, access).ok_or(Rejection::NoSuchSeatsLeft)?;
    let seats = expect_seats(context, pool)?.plan.booked(&chosen);
    for seat in &seats {
        expect_free(context, pool, seat)?;
    }
    Ok(Found { count, seats })
}

/// Which seats are best depends on all that are free, those of lapsed holds among them.
fn choose_of(context: &Context<'_>, pool: PoolId, count: u32, access: Access) -> Option<Vec<u32>> {
    let seats = context.row::<Seats>(pool)?;
    let lapsed = holds::lapsed_seats(context, pool);
    let mut map = SeatMap::of(context, pool);
    choose::best(&seats.plan, count, access, |seat| {
        map.state(seat) == SeatState::Available || lapsed.contains(&seat)
    })
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
            | BookingState::Ready { .. }
            | BookingState::Used { .. }
            | BookingState::NoShow { .. }
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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_booking_has_so_many_seats_and_no_more() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000000 to=2000000 count=600
            at 0 mia books slot:1 count=501
            at 0 mia holds slot:1 best=501 for=60
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000000 to=2000000 count=600 -> slot:1 [slot.opened]
                mia books slot:1 count=501 -> too_many_seats
                mia holds slot:1 best=501 for=60 -> too_many_seats
            "#]],
        );
    }

    #[test]
    fn holds_that_lapsed_stay_until_somebody_takes_their_places() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000000 to=2000000 capacity=3
            at 0 mia holds slot:1 for=60
            at 0 mia holds slot:1 for=60
            at 0 mia holds slot:1 for=60
            at 60 tom books slot:1 count=4
            at 60 tom books slot:1 count=2
            at 60 look slot:1
            at 60 olga opens seats resource=1 from=1000000 to=2000000 count=4
            at 60 mia holds slot:2 seats=1 for=60
            at 60 mia holds slot:2 seats=4 for=60
            at 120 tom books slot:2 best=2
            at 120 look seats pool:2
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000000 to=2000000 capacity=3 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                mia holds slot:1 for=60 -> booking:2 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                mia holds slot:1 for=60 -> booking:3 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                tom books slot:1 count=4 -> slot_full available=3
                tom books slot:1 count=2 -> booking:4 confirmed slot:1 pool:1 user:4 count=2 version=1 [booking.expired booking.expired booking.confirmed]
                look slot:1 -> open 1000000..2000000 pool:1 available=0 held=1 confirmed=2
                olga opens seats resource=1 from=1000000 to=2000000 count=4 -> slot:2 [slot.opened]
                mia holds slot:2 seats=1 for=60 -> booking:5 held slot:2 pool:2 user:3 count=1 version=1 seats=1 until=120 [booking.held]
                mia holds slot:2 seats=4 for=60 -> booking:6 held slot:2 pool:2 user:3 count=1 version=1 seats=4 until=120 [booking.held]
                tom books slot:2 best=2 -> booking:7 confirmed slot:2 pool:2 user:4 count=2 version=1 seats=1,2 [booking.expired booking.confirmed]
                look seats pool:2 -> 1=sold(booking:7) 2=sold(booking:7) 3=available 4=held(booking:6)
            "#]],
        );
    }
}
