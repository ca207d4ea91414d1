//! Books places in a slot.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState};
use crate::context::{Actor, Context};
use crate::event::{BookingEvent, Event};
use crate::ids::{PoolId, ResourceId, SlotId, UserId};
use crate::outcome::{Halt, Outcome, Rejection};
use crate::pools;
use crate::rows::{Key, ReadTyped as _};
use crate::slots::{self, Slot, Window};
use crate::users::User;

/// Books places for the caller, or for a user he names. All of them or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// In which slot.
    pub slot: SlotName,
    /// Of what the slot sells; the first pool if not named.
    pub pool: Option<PoolId>,
    /// How many places; at least one.
    pub count: u32,
    /// For whom, if not for the caller: staff, operators and apps only.
    pub user: Option<UserId>,
}

/// How a caller names a slot. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlotName {
    /// By its id.
    Id(SlotId),
    /// By its resource and its exact window; of several, the oldest.
    Window(ResourceId, Window),
}

impl Book {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let user = self.owner(context, actor)?;
        let (slot_id, slot) = self.find_slot(context)?;
        let Some(pool) = slot.pool(self.pool).map(|pool| pool.id) else {
            return Err(Rejection::PoolNotFound(self.pool.unwrap_or(PoolId(0))).into());
        };
        bookings::expect_bookable(context, &slot)?;
        bookings::expect_room(context, &slot, pool, self.count)?;

        // From here nothing refuses.
        pools::take(context, pool, self.count)?;
        let id = context.next_booking()?;
        let booking = Booking {
            slot: slot_id,
            pool,
            user,
            booked_by: actor.user,
            count: self.count,
            state: BookingState::Confirmed,
            version: 1,
            booked_at: context.now,
            revision: context.revision,
        };
        context.put(id, booking.clone());
        context.index(Key::BookingByUser(user, id));
        context.index(Key::BookingBySlot(slot_id, id));
        context.emit(Event::Booking { kind: BookingEvent::Confirmed, booking: id, slot: slot_id, user });
        Ok(Outcome::Booking(id, booking))
    }

    fn find_slot(&self, context: &Context<'_>) -> Result<(SlotId, Arc<Slot>), Halt> {
        let found = match self.slot {
            SlotName::Id(id) => Some(id),
            SlotName::Window(resource, window) => slots::at_window(context, resource, window),
        };
        let slot = found.and_then(|id| Some((id, context.row::<Slot>(id)?)));
        slot.ok_or_else(|| Rejection::SlotNotFound(found).into())
    }

    fn owner(&self, context: &Context<'_>, actor: Actor) -> Result<UserId, Halt> {
        match self.user {
            None => Ok(actor.user),
            Some(user) if user == actor.user => Ok(user),
            Some(_) if !actor.role.books_for_others() => Err(Rejection::Forbidden.into()),
            Some(user) if context.row::<User>(user).is_some() => Ok(user),
            Some(user) => Err(Rejection::UserNotFound(user).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn the_last_place_is_sold_once() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=3
            at 1 mia books slot:1 count=2
            at 2 tom books slot:1 count=2
            at 3 tom books slot:1
            at 4 mia books slot:1
            at 4 look slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=3 -> slot:1 [slot.opened]
                mia books slot:1 count=2 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1 [booking.confirmed]
                tom books slot:1 count=2 -> slot_full available=1
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia books slot:1 -> slot_full available=0 sold_out_at=3
                look slot:1 -> open 100..200 pool:1 available=0 held=0 confirmed=3
            "#]],
        );
    }

    #[test]
    fn a_full_slot_names_what_is_near() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=1
            at 0 olga opens slot resource=1 from=300 to=400 capacity=1
            at 0 olga opens slot resource=1 from=200 to=300 capacity=4
            at 0 olga opens slot resource=1 from=50  to=100 capacity=4
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 1 tom books slot:1 count=2
            at 1 tom books slot:1 count=9
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=1 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=300 to=400 capacity=1 -> slot:2 [slot.opened]
                olga opens slot resource=1 from=200 to=300 capacity=4 -> slot:3 [slot.opened]
                olga opens slot resource=1 from=50 to=100 capacity=4 -> slot:4 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> slot_full available=0 sold_out_at=1 alternatives=slot:3,slot:2
                tom books slot:1 count=2 -> slot_full available=0 sold_out_at=1 alternatives=slot:3
                tom books slot:1 count=9 -> slot_full available=0 sold_out_at=1
            "#]],
        );
    }

    #[test]
    fn the_order_of_checks_decides_which_refusal_a_caller_sees() {
        check(
            "
            at 0   olga opens slot resource=1 from=100 to=200 capacity=1
            at 0   nobody books slot:9 pool=9 count=9 for=user:9
            at 0   mia books slot:9 pool=9 count=9 for=user:9
            at 0   ann books slot:9 pool=9 count=9 for=user:9
            at 0   mia books slot:9 pool=9 count=9
            at 300 mia books slot:1 pool=9 count=9
            at 300 mia books slot:1 count=9
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=1 -> slot:1 [slot.opened]
                nobody books slot:9 pool=9 count=9 for=user:9 -> unauthenticated
                mia books slot:9 pool=9 count=9 for=user:9 -> forbidden
                ann books slot:9 pool=9 count=9 for=user:9 -> user_not_found user:9
                mia books slot:9 pool=9 count=9 -> slot_not_found slot:9
                mia books slot:1 pool=9 count=9 -> pool_not_found pool:9
                mia books slot:1 count=9 -> too_late ended_at=200
            "#]],
        );
    }

    #[test]
    fn a_slot_sells_until_its_last_moment_with_or_without_a_tick() {
        check(
            "
            at 0   olga opens slot resource=1 from=100 to=200 capacity=9
            at 199 mia books slot:1
            at 200 mia books slot:1
            at 200 tick
            at 200 mia books slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 -> too_late ended_at=200
                tick -> ticked 2 [slot.started slot.finished]
                mia books slot:1 -> too_late ended_at=200
            "#]],
        );
    }

    #[test]
    fn a_slot_can_be_named_by_its_window() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=1
            at 0 olga opens slot resource=1 from=100 to=200 capacity=9
            at 0 mia books window resource=1 from=100 to=200
            at 0 mia books window resource=1 from=100 to=200
            at 0 mia books window resource=1 from=100 to=201
            at 0 mia books window resource=2 from=100 to=200
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=1 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:2 [slot.opened]
                mia books window resource=1 from=100 to=200 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books window resource=1 from=100 to=200 -> slot_full available=0 sold_out_at=0 alternatives=slot:2
                mia books window resource=1 from=100 to=201 -> slot_not_found
                mia books window resource=2 from=100 to=200 -> slot_not_found
            "#]],
        );
    }

    #[test]
    fn apps_and_staff_book_for_others() {
        check(
            "
            at 0 olga opens slot resource=1 from=100 to=200 capacity=9
            at 0 ann books slot:1 for=user:3
            at 0 sam books slot:1 for=user:4
            at 0 mia books slot:1 for=user:3
            at 0 mia books slot:1 for=user:4
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:1 [slot.opened]
                ann books slot:1 for=user:3 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                sam books slot:1 for=user:4 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia books slot:1 for=user:3 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 for=user:4 -> forbidden
            "#]],
        );
    }
}
