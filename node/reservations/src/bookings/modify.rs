//! Changes a booking's slot, pool or count: takes the new places first, then gives back the old.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState, exchange};
use crate::context::{Actor, Context};
use crate::day;
use crate::event::BookingEvent;
use crate::ids::{BookingId, PoolId, ResourceId, SlotId};
use crate::jobs::queue;
use crate::outcome::{Contradiction, Halt, MissingRow, Outcome, Rejection};
use crate::policies::limits;
use crate::pools::{self, PoolCounts, Taken};
use crate::rows::{Key, ReadTyped as _};
use crate::slots::{self, PoolKind, Slot, Window};

/// Changes a booking. All or nothing: when the new places cannot be had, the old ones stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modify {
    /// Which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
    /// Another slot.
    pub slot: Option<SlotChoice>,
    /// Another pool; in another slot its first pool if not named.
    pub pool: Option<PoolId>,
    /// Another number of places; at least one.
    pub count: Option<u32>,
}

/// How a caller names the slot to change to. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlotChoice {
    /// By its id.
    Id(SlotId),
    /// By its exact window, of the resource that is booked; of several, the oldest.
    Window(Window),
}

impl Modify {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        if self.count == Some(0) {
            return Err(Rejection::NothingAsked.into());
        }
        let old = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&old, self.expected_version, context.now)?;
        bookings::expect_live(&old, context.now)?;
        let old_slot = context.expect_row::<Slot>(old.slot, MissingRow::Slot(old.slot))?;
        bookings::expect_bookable(context, old.slot, &old_slot)?;

        let new = target(context, self, &old, &old_slot)?;
        expect_no_turns(context, actor, &old, &new)?;
        let is_counted = old.state.is_expected() && is_counter(context, &old) && is_counter(context, &new);
        if !is_counted {
            return exchange::all(context, self.booking, &old, &new, None);
        }
        if (new.slot, new.pool, new.count) == (old.slot, old.pool, old.count) {
            return Ok(Outcome::Booking(self.booking, (*old).clone()));
        }
        trade(context, &old, &new)?;
        if new.slot != old.slot {
            context.delete(Key::BookingBySlot(old.slot, self.booking));
            context.index(Key::BookingBySlot(new.slot, self.booking));
        }
        let changed = bookings::change(context, self.booking, new, BookingEvent::Changed)?;
        if changed.slot != old.slot {
            day::confirmed(context, self.booking, &changed)?;
        }
        Ok(Outcome::Booking(self.booking, changed))
    }
}

/// The booking as it is to be.
pub(super) fn target(
    context: &Context<'_>,
    wanted: &Modify,
    old: &Booking,
    old_slot: &Slot,
) -> Result<Booking, Halt> {
    let slot_id = match wanted.slot {
        None => old.slot,
        Some(SlotChoice::Id(id)) => id,
        Some(SlotChoice::Window(window)) if window == old_slot.window => old.slot,
        Some(SlotChoice::Window(window)) => {
            let found = slots::at_window(context, old_slot.resource, window);
            found.ok_or(Rejection::SlotNotFound(None))?
        }
    };
    let Some(slot) = context.row::<Slot>(slot_id) else {
        return Err(Rejection::SlotNotFound(Some(slot_id)).into());
    };
    let is_same_slot = slot_id == old.slot;
    let pool = wanted.pool.or_else(|| is_same_slot.then_some(old.pool));
    let Some(pool) = slot.pool(pool).map(|pool| pool.id) else {
        return Err(Rejection::PoolNotFound(pool.unwrap_or(PoolId(0))).into());
    };
    bookings::expect_bookable(context, slot_id, &slot)?;
    // What another slot is about to do is its own affair.
    let is_ready_elsewhere = !is_same_slot && matches!(old.state, BookingState::Ready { .. });
    let state = if is_ready_elsewhere { BookingState::Confirmed } else { old.state };
    Ok(Booking { slot: slot_id, pool, count: wanted.count.unwrap_or(old.count), state, ..old.clone() })
}

/// Refuses a change that would jump a queue: of another resource, or for more places.
pub(super) fn expect_no_turns(
    context: &Context<'_>,
    actor: Actor,
    old: &Booking,
    new: &Booking,
) -> Result<(), Halt> {
    let (old_resource, new_slot) = resource_and_slot(context, old, new)?;
    if old_resource == new_slot.resource && new.count <= old.count {
        return Ok(());
    }
    queue::expect_no_turns(context, actor, new_slot.resource)
}

/// Whether the places of a booking's pool are all alike.
fn is_counter(context: &Context<'_>, booking: &Booking) -> bool {
    let slot = context.row::<Slot>(booking.slot);
    let pool = slot.as_ref().and_then(|slot| slot.pool(Some(booking.pool)));
    pool.is_some_and(|pool| matches!(pool.kind, PoolKind::Counter { .. }))
}

/// Trades the old places for the new ones, or refuses. Counts alone change: who looks at a sold-out slot is told since
/// when it is, and a party that adds one to its places has not freed the others.
fn trade(context: &mut Context<'_>, old: &Booking, new: &Booking) -> Result<(), Halt> {
    let (old_resource, new_slot) = resource_and_slot(context, old, new)?;
    let is_same_resource = old_resource == new_slot.resource;
    let freed = if is_same_resource { old.count } else { 0 };
    if new.count > freed || limits::is_stricter(context, old, new) {
        limits::expect_within(context, new.user, (new.slot, &new_slot, new.pool), new.count, freed)?;
    }
    trade_counts(context, old, new, &new_slot)?;
    limits::change(context, old.user, old_resource, |places| places.checked_sub(old.count))?;
    limits::change(context, new.user, new_slot.resource, |places| places.checked_add(new.count))
}

fn resource_and_slot(
    context: &Context<'_>,
    old: &Booking,
    new: &Booking,
) -> Result<(ResourceId, Arc<Slot>), Contradiction> {
    let old_slot = context.expect_row::<Slot>(old.slot, MissingRow::Slot(old.slot))?;
    let new_slot = context.expect_row::<Slot>(new.slot, MissingRow::Slot(new.slot))?;
    Ok((old_slot.resource, new_slot))
}

fn trade_counts(context: &mut Context<'_>, old: &Booking, new: &Booking, slot: &Slot) -> Result<(), Halt> {
    if new.pool != old.pool {
        bookings::expect_room(context, slot, new.pool, new.count)?;
        pools::take(context, new.pool, Taken::Confirmed, new.count)?;
        return pools::give_back(context, old.pool, Taken::Confirmed, old.count);
    }
    // In the same pool the party's own places are there to be kept.
    match new.count.checked_sub(old.count) {
        Some(more) => {
            let counts = context.expect_row::<PoolCounts>(new.pool, MissingRow::Pool(new.pool))?;
            if counts.available < more {
                // The party's own places count as well, so that what it is told is what is left beside them.
                room_beside(context, slot, new, more)?;
            }
            pools::take(context, new.pool, Taken::Confirmed, more)
        }
        None => {
            let fewer = old.count.checked_sub(new.count).ok_or(Contradiction::Overflow)?;
            pools::give_back(context, old.pool, Taken::Confirmed, fewer)
        }
    }
}

/// Looks for `more` places; the refusal speaks of the whole party.
fn room_beside(context: &mut Context<'_>, slot: &Slot, new: &Booking, more: u32) -> Result<(), Halt> {
    match bookings::expect_room(context, slot, new.pool, more) {
        Ok(()) => Ok(()),
        Err(_) => bookings::expect_room(context, slot, new.pool, new.count),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_change_that_cannot_be_had_leaves_the_old_places() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=4
            at 0 olga opens slot resource=1 from=200 to=300 capacity=2
            at 1 mia books slot:1 count=3
            at 2 mia changes booking:1 slot=2
            at 2 mia changes booking:1 count=5
            at 2 look slot:1
            at 2 look slot:2
            at 3 mia changes booking:1 count=4
            at 3 mia changes booking:1 slot=2 count=2
            at 3 look slot:1
            at 3 look slot:2
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=4 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=200 to=300 capacity=2 -> slot:2 [slot.opened]
                mia books slot:1 count=3 -> booking:1 confirmed slot:1 pool:1 user:3 count=3 version=1 [booking.confirmed]
                mia changes booking:1 slot=2 -> slot_full available=2
                mia changes booking:1 count=5 -> slot_full available=1
                look slot:1 -> open 100..200 pool:1 available=1 held=0 confirmed=3
                look slot:2 -> open 200..300 pool:2 available=2 held=0 confirmed=0
                mia changes booking:1 count=4 -> booking:1 confirmed slot:1 pool:1 user:3 count=4 version=2 [booking.changed]
                mia changes booking:1 slot=2 count=2 -> booking:1 confirmed slot:2 pool:2 user:3 count=2 version=3 [booking.changed]
                look slot:1 -> open 100..200 pool:1 available=4 held=0 confirmed=0
                look slot:2 -> open 200..300 pool:2 available=0 held=0 confirmed=2
            "#]],
        );
    }

    #[test]
    fn a_window_names_a_slot_of_the_same_resource() {
        check(
            "
            at 0 olga creates ride venue=1 name=Other
            at 0 olga opens slot resource=1 from=100 to=200 capacity=4
            at 0 olga opens slot resource=2 from=300 to=400 capacity=4
            at 0 olga opens slot resource=1 from=200 to=300 capacity=4
            at 1 mia books slot:1
            at 2 mia changes booking:1 from=300 to=400
            at 2 mia changes booking:1 from=200 to=300 count=2
            at 2 mia changes booking:1 from=200 to=300 count=3
            ",
            &expect![[r#"
                olga creates ride venue=1 name=Other -> resource:2 [resource.created]
                olga opens slot resource=1 from=100 to=200 capacity=4 -> slot:1 [slot.opened]
                olga opens slot resource=2 from=300 to=400 capacity=4 -> slot:2 [slot.opened]
                olga opens slot resource=1 from=200 to=300 capacity=4 -> slot:3 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia changes booking:1 from=300 to=400 -> slot_not_found
                mia changes booking:1 from=200 to=300 count=2 -> booking:1 confirmed slot:3 pool:3 user:3 count=2 version=2 [booking.changed]
                mia changes booking:1 from=200 to=300 count=3 -> booking:1 confirmed slot:3 pool:3 user:3 count=3 version=3 [booking.changed]
            "#]],
        );
    }

    #[test]
    fn only_the_version_a_caller_saw_is_changed_and_only_by_its_owner_or_staff() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=9
            at 1 mia books slot:1
            at 1 tom changes booking:1 count=2
            at 1 mia changes booking:1 count=2 version=1
            at 1 mia changes booking:1 count=3 version=1
            at 1 sam changes booking:1 count=3 version=2
            at 1 mia changes booking:1 count=3
            at 1 mia changes booking:1 pool=7
            at 1 mia changes booking:1 slot=7
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom changes booking:1 count=2 -> booking_not_found booking:1
                mia changes booking:1 count=2 version=1 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=2 [booking.changed]
                mia changes booking:1 count=3 version=1 -> version_mismatch current=2
                sam changes booking:1 count=3 version=2 -> booking:1 confirmed slot:1 pool:1 user:3 count=3 version=3 [booking.changed]
                mia changes booking:1 count=3 -> booking:1 confirmed slot:1 pool:1 user:3 count=3 version=3
                mia changes booking:1 pool=7 -> pool_not_found pool:7
                mia changes booking:1 slot=7 -> slot_not_found slot:7
            "#]],
        );
    }

    #[test]
    fn nobody_jumps_a_queue_by_a_change() {
        check(
            "
            at 0 olga creates ride venue=1 name=Other
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 0 olga opens slot resource=2 from=1000 to=2000 capacity=9
            at 0 mia books slot:1
            at 0 tom books slot:2
            at 0 olga sets policy resource:2 rate=0
            at 0 mia changes booking:1 slot=2
            at 0 tom changes booking:2 count=2
            at 0 tom changes booking:2 slot=1
            at 0 sam changes booking:1 slot=2
            ",
            &expect![[r#"
                olga creates ride venue=1 name=Other -> resource:2 [resource.created]
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                olga opens slot resource=2 from=1000 to=2000 capacity=9 -> slot:2 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:2 -> booking:2 confirmed slot:2 pool:2 user:4 count=1 version=1 [booking.confirmed]
                olga sets policy resource:2 rate=0 -> Resource(ResourceId(2)) rate=0
                mia changes booking:1 slot=2 -> waiting_room resource:2
                tom changes booking:2 count=2 -> waiting_room resource:2
                tom changes booking:2 slot=1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=2 [booking.changed]
                sam changes booking:1 slot=2 -> booking:1 confirmed slot:2 pool:2 user:3 count=1 version=2 [booking.changed]
            "#]],
        );
    }
}
