//! Books or holds places in a slot: so many, certain seats, or the best there are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bookings::book::SlotName;
use crate::bookings::{self, Booking, BookingState, find_places};
use crate::context::{Actor, Context};
use crate::day;
use crate::event::{BookingEvent, Event};
use crate::ids::{BookingId, PoolId, SlotId, UserId};
use crate::outcome::{Halt, Outcome, Rejection};
use crate::places;
use crate::policies::{Chain, Dialect, limits};
use crate::rows::{Key, ReadTyped as _};
use crate::seats::{SeatName, Seats};
use crate::slots::{self, Slot};
use crate::tally;
use crate::time::Millis;
use crate::users::User;

/// Books or holds places for the caller, or for a user he names. All of them or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// In which slot.
    pub slot: SlotName,
    /// Of what the slot sells; the first pool if not named.
    pub pool: Option<PoolId>,
    /// Which places.
    pub places: Places,
    /// That they are held until a deadline; booked if not given.
    pub hold: Option<HoldTerms>,
    /// For whom, if not for the caller: staff, operators and apps only.
    pub user: Option<UserId>,
}

/// Which places somebody wants. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Places {
    /// So many; at least one. Of seats, the best.
    Count(u32),
    /// These seats; at least one.
    Seats(Vec<SeatName>),
    /// So many of the best seats; at least one.
    Best {
        /// How many.
        count: u32,
        /// Whether one of them is to have room for a wheelchair.
        is_accessible: bool,
    },
}

/// How long places are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldTerms {
    /// How long; what the policies say if not given.
    pub duration: Option<Millis>,
    /// Whose words the caller speaks.
    pub dialect: Dialect,
}

impl Reserve {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let user = owner(context, actor, self.user)?;
        let booking = self.take(context, None, actor.user, user)?;
        Ok(Outcome::Booking(booking.0, booking.1))
    }

    /// Takes the places for a user: under an id that a job has promised, or a new one.
    pub(crate) fn take(
        &self,
        context: &mut Context<'_>,
        promised: Option<(BookingId, &Booking)>,
        booked_by: UserId,
        user: UserId,
    ) -> Result<(BookingId, Booking), Halt> {
        let (slot_id, slot) = find_slot(context, self.slot)?;
        let Some(pool) = slot.pool(self.pool_named()) else {
            return Err(Rejection::PoolNotFound(self.pool_named().unwrap_or(PoolId(0))).into());
        };
        bookings::expect_bookable(context, slot_id, &slot)?;
        limits::begin_count(context, user, (slot_id, &slot, pool.id));
        let wanted = find_places::find(context, &slot, pool, &self.places)?;
        if wanted.count == 0 {
            return Err(Rejection::NothingAsked.into());
        }
        limits::expect_within(context, user, (slot_id, &slot, pool.id), wanted.count, 0)?;
        if let Some(hold) = self.hold {
            limits::expect_held_within(context, user, slot.resource, hold.dialect, wanted.count)?;
        }

        // From here nothing refuses.
        let (state, kind) = match self.hold {
            None => (BookingState::Confirmed, BookingEvent::Confirmed),
            Some(hold) => {
                let chain = Chain::of_pool(context, pool.id, slot_id, &slot);
                let duration = hold.duration.unwrap_or_else(|| chain.hold_duration(context, hold.dialect));
                let expires_at = context.now.plus(duration);
                (BookingState::Held { expires_at, duration }, BookingEvent::Held)
            }
        };
        let id = match promised {
            Some((id, _)) => id,
            None => context.next_booking()?,
        };
        let booking = Booking {
            slot: slot_id,
            pool: pool.id,
            user,
            booked_by,
            count: wanted.count,
            seats: wanted.seats,
            state,
            version: promised.map_or(1, |(_, queued)| queued.version.saturating_add(1)),
            booked_at: promised.map_or(context.now, |(_, queued)| queued.booked_at),
            revision: context.revision,
            payment: None,
        };
        places::take(context, id, &booking)?;
        if let Some((_, queued)) = promised {
            bookings::note_history(context, id, (queued, &booking), kind, None);
        }
        if self.hold.is_some() {
            tally::note(context, None, &booking);
        }
        context.put(id, booking.clone());
        context.index(Key::BookingByUser(user, id));
        context.index(Key::BookingBySlot(slot_id, id));
        context.emit(Event::Booking { kind, booking: id, slot: slot_id, user });
        day::confirmed(context, id, &booking)?;
        Ok((id, booking))
    }

    /// A pool that names its slot is the one that is meant.
    pub(crate) fn pool_named(&self) -> Option<PoolId> {
        match self.slot {
            SlotName::OfPool(pool) => Some(pool),
            SlotName::Id(_) | SlotName::Window(..) => self.pool,
        }
    }
}

/// The slot a caller names.
pub(crate) fn find_slot(context: &Context<'_>, name: SlotName) -> Result<(SlotId, Arc<Slot>), Halt> {
    let found = match name {
        SlotName::Id(id) => Some(id),
        SlotName::Window(resource, window) => slots::at_window(context, resource, window),
        SlotName::OfPool(pool) => match context.row::<Seats>(pool) {
            Some(seats) => Some(seats.slot),
            None => return Err(Rejection::PoolNotFound(pool).into()),
        },
    };
    let slot = found.and_then(|id| Some((id, context.row::<Slot>(id)?)));
    slot.ok_or_else(|| Rejection::SlotNotFound(found).into())
}

/// Whose the booking will be.
pub(crate) fn owner(context: &Context<'_>, actor: Actor, named: Option<UserId>) -> Result<UserId, Halt> {
    match named {
        None => Ok(actor.user),
        Some(user) if user == actor.user => Ok(user),
        Some(_) if !actor.role.books_for_others() => Err(Rejection::Forbidden.into()),
        Some(user) if context.row::<User>(user).is_some() => Ok(user),
        Some(user) => Err(Rejection::UserNotFound(user).into()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_seat_is_somebodys_once() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000 to=2000 seats=A-1,A-2,A-10,B-1
            at 0 mia books slot:1 seats=A-10,A-1
            at 0 tom books slot:1 seats=A-1
            at 0 tom books slot:1 seats=A-2,A-1
            at 0 tom holds slot:1 seats=A-2 for=60
            at 0 ann books slot:1 seats=A-2
            at 0 ann books slot:1 seats=C-7
            at 0 ann books slot:1 seats=B-1,B-1
            at 0 look slot:1
            at 0 look seats pool:1
            at 60 ann books slot:1 seats=A-2
            at 60 look seats pool:1
            at 61 mia cancels booking:1
            at 61 look seats pool:1
            at 61 tom books slot:1 best=2
            at 61 tom books slot:1 best=2
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000 to=2000 seats=A-1,A-2,A-10,B-1 -> slot:1 [slot.opened]
                mia books slot:1 seats=A-10,A-1 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1 seats=A-1,A-10 [booking.confirmed]
                tom books slot:1 seats=A-1 -> seat_taken A-1 sold
                tom books slot:1 seats=A-2,A-1 -> seat_taken A-1 sold
                tom holds slot:1 seats=A-2 for=60 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 seats=A-2 until=60 [booking.held]
                ann books slot:1 seats=A-2 -> seat_taken A-2 held_until=60
                ann books slot:1 seats=C-7 -> seat_not_found C-7
                ann books slot:1 seats=B-1,B-1 -> booking:3 confirmed slot:1 pool:1 user:5 count=1 version=1 seats=B-1 [booking.confirmed]
                look slot:1 -> open 1000..2000 pool:1 available=0 held=1 confirmed=3
                look seats pool:1 -> A-1=sold(booking:1) A-2=held(booking:2) A-10=sold(booking:1) B-1=sold(booking:3)
                ann books slot:1 seats=A-2 -> booking:4 confirmed slot:1 pool:1 user:5 count=1 version=1 seats=A-2 [booking.expired booking.confirmed]
                look seats pool:1 -> A-1=sold(booking:1) A-2=sold(booking:4) A-10=sold(booking:1) B-1=sold(booking:3)
                mia cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=2 version=2 seats=A-1,A-10 [booking.cancelled]
                look seats pool:1 -> A-1=available A-2=sold(booking:4) A-10=available B-1=sold(booking:3)
                tom books slot:1 best=2 -> booking:5 confirmed slot:1 pool:1 user:4 count=2 version=1 seats=A-1,A-10 [booking.confirmed]
                tom books slot:1 best=2 -> slot_full available=0 sold_out_at=61
            "#]],
        );
    }

    #[test]
    fn one_user_holds_or_has_so_many_places_of_a_resource() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 0 olga opens slot resource=1 from=2000 to=3000 capacity=9
            at 0 mia books slot:1 count=2
            at 0 olga sets policy resource:1 limit=4
            at 0 mia books slot:2 count=3
            at 0 mia holds slot:2 count=2 for=60
            at 0 mia books slot:2
            at 0 tom books slot:2 count=4
            at 60 mia books slot:2
            at 60 mia cancels booking:1
            at 60 mia changes booking:4 count=4
            at 60 mia changes booking:4 count=5
            at 60 mia books slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=2000 to=3000 capacity=9 -> slot:2 [slot.opened]
                mia books slot:1 count=2 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1 [booking.confirmed]
                olga sets policy resource:1 limit=4 -> Resource(ResourceId(1)) limit=4
                mia books slot:2 count=3 -> limit_reached limit=4 has=2
                mia holds slot:2 count=2 for=60 -> booking:2 held slot:2 pool:2 user:3 count=2 version=1 until=60 [booking.held]
                mia books slot:2 -> limit_reached limit=4 has=4
                tom books slot:2 count=4 -> booking:3 confirmed slot:2 pool:2 user:4 count=4 version=1 [booking.confirmed]
                mia books slot:2 -> booking:4 confirmed slot:2 pool:2 user:3 count=1 version=1 [booking.confirmed]
                mia cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=2 version=2 [booking.cancelled]
                mia changes booking:4 count=4 -> booking:4 confirmed slot:2 pool:2 user:3 count=4 version=2 [booking.expired booking.changed]
                mia changes booking:4 count=5 -> limit_reached limit=4 has=4
                mia books slot:1 -> limit_reached limit=4 has=4
            "#]],
        );
    }

    #[test]
    fn holds_of_seed_s2_are_six_at_a_time_and_last_a_minute() {
        check(
            "
            at 0 olga opens seats resource=1 from=100000 to=200000 count=20
            at 0 mia holds slot:1 best=5 in=s2
            at 0 mia holds slot:1 best=2 in=s2
            at 0 mia holds slot:1 best=1 in=s2
            at 0 mia holds slot:1 best=1 in=s2
            at 0 mia books slot:1 best=1
            at 59999 mia holds slot:1 best=1 in=s2
            at 60000 mia holds slot:1 best=6 in=s2
            ",
            &expect![[r#"
                olga opens seats resource=1 from=100000 to=200000 count=20 -> slot:1 [slot.opened]
                mia holds slot:1 best=5 in=s2 -> booking:1 held slot:1 pool:1 user:3 count=5 version=1 seats=1,2,3,4,5 until=60000 [booking.held]
                mia holds slot:1 best=2 in=s2 -> limit_reached limit=6 has=5
                mia holds slot:1 best=1 in=s2 -> booking:2 held slot:1 pool:1 user:3 count=1 version=1 seats=6 until=60000 [booking.held]
                mia holds slot:1 best=1 in=s2 -> limit_reached limit=6 has=6
                mia books slot:1 best=1 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 seats=7 [booking.confirmed]
                mia holds slot:1 best=1 in=s2 -> limit_reached limit=6 has=6
                mia holds slot:1 best=6 in=s2 -> booking:4 held slot:1 pool:1 user:3 count=6 version=1 seats=1,2,3,4,5,6 until=120000 [booking.expired booking.expired booking.held]
            "#]],
        );
    }
}
