//! Books places in a slot: the short form of [`Reserve`], and all that the first log entries knew.

use serde::{Deserialize, Serialize};

use crate::bookings::reserve::{Places, Reserve};
use crate::context::Context;
use crate::ids::{PoolId, ResourceId, SlotId, UserId};
use crate::outcome::{Halt, Outcome};
use crate::slots::Window;

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
    /// By a pool of seats that it sells.
    OfPool(PoolId),
}

impl Book {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let places = Places::Count(self.count);
        let wanted = Reserve { slot: self.slot, pool: self.pool, places, hold: None, user: self.user };
        wanted.apply(context)
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
            at 0   nobody books slot:9 pool=9 count=9 user=user:9
            at 0   mia books slot:9 pool=9 count=9 user=user:9
            at 0   ann books slot:9 pool=9 count=9 user=user:9
            at 0   mia books slot:9 pool=9 count=9
            at 300 mia books slot:1 pool=9 count=9
            at 300 mia books slot:1 count=9
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=1 -> slot:1 [slot.opened]
                nobody books slot:9 pool=9 count=9 user=user:9 -> unauthenticated
                mia books slot:9 pool=9 count=9 user=user:9 -> forbidden
                ann books slot:9 pool=9 count=9 user=user:9 -> user_not_found user:9
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
            at 0 ann books slot:1 user=user:3
            at 0 sam books slot:1 user=user:4
            at 0 mia books slot:1 user=user:3
            at 0 mia books slot:1 user=user:4
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:1 [slot.opened]
                ann books slot:1 user=user:3 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                sam books slot:1 user=user:4 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia books slot:1 user=user:3 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 user=user:4 -> forbidden
            "#]],
        );
    }
}
