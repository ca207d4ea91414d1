//! Changes the places of a booking that has seats, or is held: takes the new ones while it still has the old.

use serde::{Deserialize, Serialize};

use crate::bookings::modify::{self, Modify, SlotChoice};
use crate::bookings::reserve::Places;
use crate::bookings::{self, Booking, find_places};
use crate::context::Context;
use crate::day;
use crate::event::BookingEvent;
use crate::ids::{BookingId, PoolId};
use crate::outcome::{Halt, MissingRow, Outcome, Rejection};
use crate::places;
use crate::policies::limits;
use crate::pools::PoolCounts;
use crate::rows::Key;
use crate::seats::SeatName;
use crate::slots::Slot;

/// Changes a booking to other seats. All or nothing: when they cannot be had, the old ones stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
    /// Another slot.
    pub slot: Option<SlotChoice>,
    /// Another pool; in another slot its first pool if not named.
    pub pool: Option<PoolId>,
    /// The seats to have.
    pub seats: Vec<SeatName>,
}

impl Exchange {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let old = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&old, self.expected_version, context.now)?;
        bookings::expect_live(&old, context.now)?;
        let old_slot = context.expect_row::<Slot>(old.slot, MissingRow::Slot(old.slot))?;
        bookings::expect_bookable(context, old.slot, &old_slot)?;

        let (slot, pool, count) = (self.slot, self.pool, None);
        let (booking, expected_version) = (self.booking, self.expected_version);
        let wanted = Modify { booking, expected_version, slot, pool, count };
        let new = modify::target(context, &wanted, &old, &old_slot)?;
        let count = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        modify::expect_no_turns(context, actor, &old, &Booking { count, ..new.clone() })?;
        all(context, self.booking, &old, &new, Some(Places::Seats(self.seats.clone())))
    }
}

/// Frees the old places and takes the new ones; what refuses undoes both.
pub(super) fn all(
    context: &mut Context<'_>,
    id: BookingId,
    old: &Booking,
    new: &Booking,
    wanted: Option<Places>,
) -> Result<Outcome, Halt> {
    let is_same = wanted.is_none() && (new.slot, new.pool, new.count) == (old.slot, old.pool, old.count);
    if is_same {
        return Ok(Outcome::Booking(id, old.clone()));
    }
    let slot = context.expect_row::<Slot>(new.slot, MissingRow::Slot(new.slot))?;
    let old_slot = context.expect_row::<Slot>(old.slot, MissingRow::Slot(old.slot))?;
    limits::begin_count(context, new.user, (new.slot, &slot, new.pool));
    let counts_before = context.expect_row::<PoolCounts>(old.pool, MissingRow::Pool(old.pool))?;
    places::free(context, id, old)?;
    let Some(pool) = slot.pool(Some(new.pool)) else {
        return Err(Rejection::PoolNotFound(new.pool).into());
    };
    let wanted = wanted.unwrap_or_else(|| fewer_or_best(old, new));
    let found = find_places::find(context, &slot, pool, &wanted)?;
    if found.count == 0 {
        return Err(Rejection::NothingAsked.into());
    }
    let has_more = slot.resource != old_slot.resource || found.count > old.count;
    if has_more || limits::is_stricter(context, old, new) {
        // The old places are free by now.
        limits::expect_within(context, new.user, (new.slot, &slot, new.pool), found.count, 0)?;
    }

    let changed = Booking { count: found.count, seats: found.seats, ..new.clone() };
    if (changed.slot, changed.pool) == (old.slot, old.pool)
        && changed.seats == old.seats
        && changed.count == old.count
    {
        places::take(context, id, old)?;
        // Nothing changed, and since when the pool is sold out did not either.
        let counts = context.expect_row::<PoolCounts>(old.pool, MissingRow::Pool(old.pool))?;
        let sold_out_at = if counts.available == 0 { counts_before.sold_out_at } else { None };
        context.put(old.pool, PoolCounts { sold_out_at, ..(*counts).clone() });
        return Ok(Outcome::Booking(id, old.clone()));
    }
    places::take(context, id, &changed)?;
    if changed.slot != old.slot {
        context.delete(Key::BookingBySlot(old.slot, id));
        context.index(Key::BookingBySlot(changed.slot, id));
    }
    let changed = bookings::change(context, id, changed, BookingEvent::Changed)?;
    if changed.slot != old.slot {
        day::confirmed(context, id, &changed)?;
    }
    Ok(Outcome::Booking(id, changed))
}

/// A smaller party keeps its first seats; any other gets the best there are.
fn fewer_or_best(old: &Booking, new: &Booking) -> Places {
    let is_part = new.pool == old.pool && new.count < old.count && !old.seats.is_empty();
    if !is_part {
        return Places::Count(new.count);
    }
    let first = old.seats.iter().take(new.count as usize);
    Places::Seats(first.map(|seat| SeatName::Number(seat.number)).collect())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn other_seats_are_had_or_the_old_ones_stay() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000 to=2000 count=6
            at 0 mia holds slot:1 seats=1,2 for=60
            at 0 tom books slot:1 seats=4
            at 0 mia moves booking:1 seats=3,4
            at 0 look seats pool:1
            at 0 mia moves booking:1 seats=2,3
            at 0 look seats pool:1
            at 0 mia moves booking:1 seats=2,3
            at 0 mia changes booking:1 count=1
            at 0 mia changes booking:1 count=4
            at 0 mia changes booking:1 count=6
            at 0 look slot:1
            at 60 mia moves booking:1 seats=6
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000 to=2000 count=6 -> slot:1 [slot.opened]
                mia holds slot:1 seats=1,2 for=60 -> booking:1 held slot:1 pool:1 user:3 count=2 version=1 seats=1,2 until=60 [booking.held]
                tom books slot:1 seats=4 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 seats=4 [booking.confirmed]
                mia moves booking:1 seats=3,4 -> seat_taken 4 sold
                look seats pool:1 -> 1=held(booking:1) 2=held(booking:1) 3=available 4=sold(booking:2) 5=available 6=available
                mia moves booking:1 seats=2,3 -> booking:1 held slot:1 pool:1 user:3 count=2 version=2 seats=2,3 until=60 [booking.changed]
                look seats pool:1 -> 1=available 2=held(booking:1) 3=held(booking:1) 4=sold(booking:2) 5=available 6=available
                mia moves booking:1 seats=2,3 -> booking:1 held slot:1 pool:1 user:3 count=2 version=2 seats=2,3 until=60
                mia changes booking:1 count=1 -> booking:1 held slot:1 pool:1 user:3 count=1 version=3 seats=2 until=60 [booking.changed]
                mia changes booking:1 count=4 -> booking:1 held slot:1 pool:1 user:3 count=4 version=4 seats=1,2,3,5 until=60 [booking.changed]
                mia changes booking:1 count=6 -> slot_full available=5
                look slot:1 -> open 1000..2000 pool:1 available=1 held=4 confirmed=1
                mia moves booking:1 seats=6 -> hold_expired expired_at=60
            "#]],
        );
    }

    #[test]
    fn a_party_can_move_between_seats_and_places() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000 to=2000 count=3
            at 0 olga opens slot resource=1 from=2000 to=3000 capacity=2
            at 0 mia books slot:1 seats=2,3
            at 0 mia changes booking:1 slot=2
            at 0 look slot:1
            at 0 mia changes booking:1 slot=1 count=3
            at 0 mia changes booking:1 slot=2
            at 0 look slot:1
            at 0 look slot:2
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000 to=2000 count=3 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=2000 to=3000 capacity=2 -> slot:2 [slot.opened]
                mia books slot:1 seats=2,3 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1 seats=2,3 [booking.confirmed]
                mia changes booking:1 slot=2 -> booking:1 confirmed slot:2 pool:2 user:3 count=2 version=2 [booking.changed]
                look slot:1 -> open 1000..2000 pool:1 available=3 held=0 confirmed=0
                mia changes booking:1 slot=1 count=3 -> booking:1 confirmed slot:1 pool:1 user:3 count=3 version=3 seats=1,2,3 [booking.changed]
                mia changes booking:1 slot=2 -> slot_full available=2
                look slot:1 -> open 1000..2000 pool:1 available=0 held=0 confirmed=3
                look slot:2 -> open 2000..3000 pool:2 available=2 held=0 confirmed=0
            "#]],
        );
    }
}
