//! Admits a party whose code was scanned.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Admission, Booking, BookingState};
use crate::codes::{self, ScannedCode};
use crate::context::{Actor, Context};
use crate::event::BookingEvent;
use crate::ids::BookingId;
use crate::outcome::{Contradiction, Halt, MissingRow, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::ReadTyped as _;
use crate::time::Timestamp;

/// Admits a party, once, while its slot admits parties. Staff and operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// Which booking.
    pub booking: BookingId,
    /// The code that was shown, if one was: it must be the one that counts.
    pub code: Option<ScannedCode>,
    /// Names the scan: the same member of staff makes the same one again without harm.
    pub nonce: Option<String>,
    /// Where, in his words.
    pub place: Option<String>,
    /// Why the party is admitted although it is too early or too late, or was given up.
    pub override_reason: Option<String>,
    /// When the scanner says it was; recorded, never used.
    pub scanned_at: Option<Timestamp>,
    /// Only if this is still the booking's version.
    pub expected_version: Option<u32>,
}

impl Scan {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(Role::checks_in)?;
        let booking = bookings::find(context, actor, self.booking)?;
        let before = context.row::<Admission>(self.booking);
        if before.as_ref().is_some_and(|before| before.is_scan(actor.user, self.nonce.as_deref())) {
            let BookingState::Used { .. } = booking.state else {
                // It was taken back, and a gate that repeats it lets nobody in again.
                return Err(Rejection::NotUsed.into());
            };
            return Ok(Outcome::Booking(self.booking, (*booking).clone()));
        }
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        expect_admissible(context, &booking, before.as_deref())?;
        if let Some(code) = self.code {
            codes::expect_current(context, self.booking, code)?;
        }
        if self.override_reason.is_none() {
            expect_in_time(context, &booking)?;
        }

        // From here nothing refuses.
        context.put(self.booking, self.admission(context, actor));
        let state = BookingState::Used { at: context.now, by: actor.user, scanned_at: self.scanned_at };
        let used = Booking { state, ..(*booking).clone() };
        let reason = self.override_reason.as_deref();
        let used = bookings::change_because(context, self.booking, used, BookingEvent::Used, reason)?;
        Ok(Outcome::Booking(self.booking, used))
    }

    fn admission(&self, context: &Context<'_>, actor: Actor) -> Admission {
        let Self { place, nonce, code, override_reason, .. } = self.clone();
        Admission { at: context.now, by: actor.user, place, nonce, code, override_reason }
    }
}

/// Refuses a booking without places, or whose party is in.
fn expect_admissible(
    context: &Context<'_>,
    booking: &Booking,
    admission: Option<&Admission>,
) -> Result<(), Halt> {
    match booking.state {
        // Nobody else has its places: it is late, and may be in time.
        BookingState::NoShow { is_released: false, .. } => return Ok(()),
        BookingState::Held { .. } => {
            bookings::expect_live(booking, context.now)?;
            return Err(Rejection::NotConfirmed.into());
        }
        BookingState::Used { at: used_at, by: used_by, .. } => {
            if let Some(place) = admission.and_then(|admission| admission.place.clone()) {
                return Err(Rejection::AlreadyUsedAt { used_at, used_by, place }.into());
            }
        }
        BookingState::Confirmed
        | BookingState::Ready { .. }
        | BookingState::Cancelled { .. }
        | BookingState::Expired { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. }
        | BookingState::NoShow { is_released: true, .. } => (),
    }
    bookings::expect_live(booking, context.now)
}

/// Refuses a party that is too early or too late.
fn expect_in_time(context: &Context<'_>, booking: &Booking) -> Result<(), Halt> {
    let window = codes::admission_window(context, booking);
    let (opens_at, ended_at) = window.ok_or(Contradiction::RowMissing(MissingRow::Slot(booking.slot)))?;
    if context.now < opens_at {
        return Err(Rejection::TooEarly { opens_at }.into());
    }
    if context.now < ended_at {
        return Ok(());
    }
    if let BookingState::NoShow { at, .. } = booking.state {
        return Err(Rejection::NoShow { since: at }.into());
    }
    Err(Rejection::TooLate { ended_at }.into())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn the_same_scan_is_made_once_and_another_one_is_told_of_it() {
        check(
            "
            at 0 adopt
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 1 mia holds slot:1 for=5000
            at 1 mia books slot:1
            at 2 mia cancels booking:4
            at 999 sam scans booking:1 nonce=n1 place=north
            at 1000 mia scans booking:1 nonce=n1
            at 1000 sam scans booking:1 nonce=n1 place=north version=7
            at 1000 sam scans booking:1 nonce=n1 place=north version=1
            at 1001 sam scans booking:1 nonce=n1 place=south version=1
            at 1002 sam scans booking:1 nonce=n2 place=south
            at 1002 sam scans booking:1
            at 1003 olga scans booking:1 nonce=n1
            at 1003 sam checks in booking:1
            at 1004 sam checks in booking:2
            at 1005 sam scans booking:2 override=please
            at 1005 sam scans booking:3
            at 1005 sam scans booking:4 override=please
            at 1005 sam scans booking:9
            at 1006 look admission booking:1
            at 1006 look admission booking:2
            ",
            &expect![[r#"
                adopt -> edition 2
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia holds slot:1 for=5000 -> booking:3 held slot:1 pool:1 user:3 count=1 version=1 until=5001 [booking.held]
                mia books slot:1 -> booking:4 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia cancels booking:4 -> booking:4 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
                sam scans booking:1 nonce=n1 place=north -> too_early opens_at=1000
                mia scans booking:1 nonce=n1 -> forbidden
                sam scans booking:1 nonce=n1 place=north version=7 -> version_mismatch current=1
                sam scans booking:1 nonce=n1 place=north version=1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
                sam scans booking:1 nonce=n1 place=south version=1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2
                sam scans booking:1 nonce=n2 place=south -> already_used used_at=1000 used_by=user:2 place=north
                sam scans booking:1 -> already_used used_at=1000 used_by=user:2 place=north
                olga scans booking:1 nonce=n1 -> already_used used_at=1000 used_by=user:2 place=north
                sam checks in booking:1 -> already_used used_at=1000 used_by=user:2 place=north
                sam checks in booking:2 -> booking:2 used slot:1 pool:1 user:4 count=1 version=2 [booking.used]
                sam scans booking:2 override=please -> already_used used_at=1004 used_by=user:2
                sam scans booking:3 -> not_confirmed
                sam scans booking:4 override=please -> already_cancelled
                sam scans booking:9 -> booking_not_found booking:9
                look admission booking:1 -> at=1000 user:2 place=north nonce=n1
                look admission booking:2 -> at=1004 user:2
            "#]],
        );
    }

    #[test]
    fn parties_come_early_and_late_as_far_as_policies_let_them() {
        check(
            "
            at 0 adopt
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 0 olga sets policy cluster early=100
            at 0 olga sets policy pool:1 lateness=50
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 899 sam scans booking:1
            at 900 sam checks in booking:1
            at 901 tick
            at 2000 tick
            at 2001 look booking:2
            at 2049 sam scans booking:2
            at 2050 sam scans booking:3
            at 2051 sam scans booking:3 override=the-queue-was-long
            at 2052 look admission booking:3
            at 2052 look slot:1
            ",
            &expect![[r#"
                adopt -> edition 2
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                olga sets policy cluster early=100 -> Cluster early=100
                olga sets policy pool:1 lateness=50 -> Pool(PoolId(1)) lateness=50
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia books slot:1 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> booking:4 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                sam scans booking:1 -> too_early opens_at=900
                sam checks in booking:1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
                tick -> ticked 2 [booking.ready booking.ready booking.ready]
                tick -> ticked 3 [slot.started slot.finished booking.no_show booking.no_show booking.no_show]
                look booking:2 -> booking:2 no_show slot:1 pool:1 user:4 count=1 version=3
                sam scans booking:2 -> booking:2 used slot:1 pool:1 user:4 count=1 version=4 [booking.used]
                sam scans booking:3 -> no_show since=2000
                sam scans booking:3 override=the-queue-was-long -> booking:3 used slot:1 pool:1 user:3 count=1 version=4 [booking.used]
                look admission booking:3 -> at=2051 user:2 override=the-queue-was-long
                look slot:1 -> finished 1000..2000 pool:1 available=5 held=0 confirmed=4
            "#]],
        );
    }

    #[test]
    fn a_reason_lets_in_whom_the_clock_would_not_and_nobody_whose_places_are_gone() {
        check(
            "
            at 0 adopt
            at 0 olga sets policy resource:1 grace=100
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 1 tom books slot:1
            at 2 sam scans booking:1 override=sound-check
            at 1100 tick
            at 1100 tick
            at 1101 sam scans booking:2 override=please
            at 1101 sam scans booking:2
            ",
            &expect![[r#"
                adopt -> edition 2
                olga sets policy resource:1 grace=100 -> Resource(ResourceId(1)) grace=100
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                sam scans booking:1 override=sound-check -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
                tick -> ticked 5 [booking.ready slot.started booking.no_show]
                tick -> ticked 0
                sam scans booking:2 override=please -> no_show since=1100
                sam scans booking:2 -> no_show since=1100
            "#]],
        );
    }
}
