//! Takes an admission back that was a mistake.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::day;
use crate::event::BookingEvent;
use crate::ids::BookingId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;

/// Takes the admission of a party back, who is expected again. The scan stays known: a gate may still repeat it.
/// Staff and operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoScan {
    /// Of which booking.
    pub booking: BookingId,
    /// Why.
    pub reason: String,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
}

impl UndoScan {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(Role::checks_in)?;
        let booking = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        let BookingState::Used { .. } = booking.state else { return Err(Rejection::NotUsed.into()) };

        // From here nothing refuses.
        let state = day::expected_again(context, self.booking, &booking)?;
        let expected = Booking { state, ..(*booking).clone() };
        let (kind, reason) = (BookingEvent::Changed, Some(self.reason.as_str()));
        let expected = bookings::change_because(context, self.booking, expected, kind, reason)?;
        Ok(Outcome::Booking(self.booking, expected))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_party_that_was_admitted_by_mistake_is_expected_again() {
        check(
            "
            at 0 adopt
            at 0 olga sets policy resource:1 grace=100 lead=300 early=900
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 200 sam undoes scan booking:1 reason=oops
            at 200 sam scans booking:1 nonce=n1
            at 201 mia undoes scan booking:1 reason=oops
            at 201 sam undoes scan booking:1 reason=oops version=1
            at 201 sam undoes scan booking:1 reason=oops version=2
            at 202 sam scans booking:1 nonce=n1
            at 700 tick
            at 701 sam scans booking:1 nonce=n2
            at 702 olga undoes scan booking:1 reason=other-guest
            at 1000 tick
            at 1050 sam scans booking:2
            at 1051 sam undoes scan booking:2 reason=other-guest
            at 1100 tick
            at 1100 tick
            at 1150 look booking:2
            at 1151 tick
            at 1152 history booking:1
            at 1152 history booking:2
            ",
            &expect![[r#"
                adopt -> edition 2
                olga sets policy resource:1 grace=100 lead=300 early=900 -> Resource(ResourceId(1)) grace=100 lead=300 early=900
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                sam undoes scan booking:1 reason=oops -> not_used
                sam scans booking:1 nonce=n1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
                mia undoes scan booking:1 reason=oops -> forbidden
                sam undoes scan booking:1 reason=oops version=1 -> version_mismatch current=2
                sam undoes scan booking:1 reason=oops version=2 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=3 [booking.changed]
                sam scans booking:1 nonce=n1 -> not_used
                tick -> ticked 3 [booking.ready booking.ready]
                sam scans booking:1 nonce=n2 -> booking:1 used slot:1 pool:1 user:3 count=1 version=5 [booking.used]
                olga undoes scan booking:1 reason=other-guest -> booking:1 ready slot:1 pool:1 user:3 count=1 version=6 [booking.changed]
                tick -> ticked 1 [slot.started]
                sam scans booking:2 -> booking:2 used slot:1 pool:1 user:4 count=1 version=3 [booking.used]
                sam undoes scan booking:2 reason=other-guest -> booking:2 ready slot:1 pool:1 user:4 count=1 version=4 [booking.changed]
                tick -> ticked 1 [booking.no_show]
                tick -> ticked 0
                look booking:2 -> booking:2 ready slot:1 pool:1 user:4 count=1 version=4
                tick -> ticked 1 [booking.no_show]
                history booking:1 -> 7 noshow at=1100 by cluster, 6 changed at=702 by user:1 (other-guest), 5 used at=701 by user:2, 4 ready at=700 by cluster, 3 changed at=201 by user:2 (oops), 2 used at=200 by user:2, 1 confirmed at=1 by user:3
                history booking:2 -> 5 noshow at=1151 by cluster, 4 changed at=1051 by user:2 (other-guest), 3 used at=1050 by user:2, 2 ready at=700 by cluster, 1 confirmed at=1 by user:4
            "#]],
        );
    }

    #[test]
    fn whoever_was_not_there_after_all_is_a_no_show() {
        check(
            "
            at 0 adopt
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 1000 sam scans booking:1
            at 2000 tick
            at 3000 sam undoes scan booking:1 reason=empty-seat
            at 3000 tick
            at 3000 tick
            at 3000 look slot:1
            ",
            &expect![[r#"
                adopt -> edition 2
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                sam scans booking:1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
                tick -> ticked 5 [slot.started slot.finished]
                sam undoes scan booking:1 reason=empty-seat -> booking:1 ready slot:1 pool:1 user:3 count=1 version=3 [booking.changed]
                tick -> ticked 1 [booking.no_show]
                tick -> ticked 0
                look slot:1 -> finished 1000..2000 pool:1 available=8 held=0 confirmed=1
            "#]],
        );
    }
}
