//! Admits a party at the entrance.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState, Scan};
use crate::context::Context;
use crate::edition::WITH_DAYS;
use crate::event::BookingEvent;
use crate::ids::BookingId;
use crate::outcome::{Halt, MissingRow, Outcome, Rejection};
use crate::principal::Role;
use crate::slots::Slot;
use crate::time::Timestamp;

/// Admits a party, once, within its slot. Staff and operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckIn {
    /// Which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
    /// When the scanner says it was; recorded, never used.
    pub scanned_at: Option<Timestamp>,
}

impl CheckIn {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        if context.edition >= WITH_DAYS {
            return self.as_scan().apply(context);
        }
        let actor = context.actor_who(Role::checks_in)?;
        let booking = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        bookings::expect_live(&booking, context.now)?;
        if let BookingState::Held { .. } = booking.state {
            return Err(Rejection::NotConfirmed.into());
        }
        let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
        if context.now < slot.window.starts_at() {
            return Err(Rejection::TooEarly { opens_at: slot.window.starts_at() }.into());
        }
        if context.now >= slot.window.ends_at() {
            return Err(Rejection::TooLate { ended_at: slot.window.ends_at() }.into());
        }

        let state = BookingState::Used { at: context.now, by: actor.user, scanned_at: self.scanned_at };
        let used = Booking { state, ..(*booking).clone() };
        let used = bookings::change(context, self.booking, used, BookingEvent::Used)?;
        Ok(Outcome::Booking(self.booking, used))
    }

    /// What came after it: the same, with more to say.
    fn as_scan(&self) -> Scan {
        let Self { booking, expected_version, scanned_at } = *self;
        let (code, nonce, place, override_reason) = (None, None, None, None);
        Scan { booking, code, nonce, place, override_reason, scanned_at, expected_version }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_party_is_admitted_once_within_its_slot_and_only_by_staff() {
        check(
            "
            at 0   olga opens slot resource=1 from=100 to=200 capacity=9
            at 1   mia books slot:1
            at 1   mia books slot:1
            at 1   mia books slot:1
            at 50  mia cancels booking:3
            at 99  sam checks in booking:1
            at 100 mia checks in booking:1
            at 100 ann checks in booking:1
            at 101 sam checks in booking:1
            at 102 olga checks in booking:1
            at 103 mia cancels booking:1
            at 104 sam checks in booking:3
            at 200 sam checks in booking:2
            at 200 look slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia cancels booking:3 -> booking:3 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
                sam checks in booking:1 -> too_early opens_at=100
                mia checks in booking:1 -> forbidden
                ann checks in booking:1 -> forbidden
                sam checks in booking:1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
                olga checks in booking:1 -> already_used used_at=101 used_by=user:2
                mia cancels booking:1 -> already_used used_at=101 used_by=user:2
                sam checks in booking:3 -> already_cancelled
                sam checks in booking:2 -> too_late ended_at=200
                look slot:1 -> open 100..200 pool:1 available=7 held=0 confirmed=2
            "#]],
        );
    }
}
