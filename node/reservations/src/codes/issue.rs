//! Gives a booking its code.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState};
use crate::codes::{FIRST_REVISION, IssuedCode, SIGNERS_MAX};
use crate::context::Context;
use crate::ids::BookingId;
use crate::node_keys::{NodeKeyId, RevokedNodeKey};
use crate::outcome::{Contradiction, Halt, Outcome, Rejection};
use crate::rows::ReadTyped as _;

/// Gives a booking its code, or says which one it has. For whoever manages the booking, and for the cluster, which reminds
/// the party of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueCode {
    /// Which.
    pub booking: BookingId,
    /// The key that signs it: that of the node the caller has asked.
    pub signer: NodeKeyId,
    /// Whether it is to be another code, and the one before void.
    pub is_reissue: bool,
}

impl IssueCode {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let booking = self.find(context)?;
        expect_to_come(context, &booking)?;
        if context.row::<RevokedNodeKey>(self.signer).is_some() {
            return Err(Rejection::NodeKeyRevoked(self.signer).into());
        }
        let known = context.row::<IssuedCode>(self.booking);
        let code = match known.as_deref() {
            None => self.first(context),
            Some(before) if self.is_reissue => {
                let revision = before.revision.checked_add(1).ok_or(Contradiction::Overflow)?;
                IssuedCode { revision, ..self.first(context) }
            }
            Some(code) => self.signed_too(code),
        };
        if known.as_deref() != Some(&code) {
            context.put(self.booking, code.clone());
        }
        Ok(Outcome::Code(self.booking, code))
    }

    fn find(self, context: &Context<'_>) -> Result<Arc<Booking>, Halt> {
        if context.only_internal().is_ok() {
            return context.row(self.booking).ok_or_else(|| Rejection::BookingNotFound(self.booking).into());
        }
        bookings::find(context, context.actor()?, self.booking)
    }

    fn first(self, context: &Context<'_>) -> IssuedCode {
        IssuedCode { revision: FIRST_REVISION, signers: vec![self.signer], issued_at: context.now }
    }

    /// The same code, with another signature besides.
    fn signed_too(self, code: &IssuedCode) -> IssuedCode {
        let mut code = code.clone();
        if !code.signers.contains(&self.signer) {
            if code.signers.len() >= SIGNERS_MAX {
                code.signers.remove(0);
            }
            code.signers.push(self.signer);
        }
        code
    }
}

/// Refuses a booking whose party is not expected.
fn expect_to_come(context: &Context<'_>, booking: &Booking) -> Result<(), Halt> {
    match booking.state_at(context.now) {
        BookingState::Confirmed | BookingState::Ready { .. } => Ok(()),
        BookingState::Held { .. } | BookingState::Queued { .. } => Err(Rejection::NotConfirmed.into()),
        BookingState::Used { at, by, .. } => Err(Rejection::AlreadyUsed { used_at: at, used_by: by }.into()),
        BookingState::Cancelled { .. } => Err(Rejection::AlreadyCancelled.into()),
        BookingState::Expired { at } | BookingState::Rejected { at } => {
            Err(Rejection::HoldExpired { expired_at: at }.into())
        }
        BookingState::NoShow { at, .. } => Err(Rejection::NoShow { since: at }.into()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_booking_has_one_code_until_it_gets_another() {
        check(
            "
            at 0 adopt
            at 0 node publishes key:5-1
            at 0 node publishes key:6-1
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 2 mia asks for code booking:1 signer=5-1
            at 3 mia asks for code booking:1 signer=5-1
            at 4 sam asks for code booking:1 signer=6-1
            at 5 tom asks for code booking:1 signer=5-1
            at 5 node asks for code booking:1 signer=5-1
            at 5 node asks for code booking:7 signer=5-1
            at 6 mia asks for another code booking:1 signer=6-1
            at 1000 sam scans booking:1 code=1/5-1
            at 1000 sam scans booking:1 code=3/6-1
            at 1000 sam scans booking:1 code=2/5-1
            ",
            &expect![[r#"
                adopt -> edition 2
                node publishes key:5-1 -> registered
                node publishes key:6-1 -> registered
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia asks for code booking:1 signer=5-1 -> booking:1 code=1 keys=5-1 since=2
                mia asks for code booking:1 signer=5-1 -> booking:1 code=1 keys=5-1 since=2
                sam asks for code booking:1 signer=6-1 -> booking:1 code=1 keys=5-1,6-1 since=2
                tom asks for code booking:1 signer=5-1 -> booking_not_found booking:1
                node asks for code booking:1 signer=5-1 -> booking:1 code=1 keys=5-1,6-1 since=2
                node asks for code booking:7 signer=5-1 -> booking_not_found booking:7
                mia asks for another code booking:1 signer=6-1 -> booking:1 code=2 keys=6-1 since=6
                sam scans booking:1 code=1/5-1 -> code_stale current=2
                sam scans booking:1 code=3/6-1 -> code_stale current=2
                sam scans booking:1 code=2/5-1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
            "#]],
        );
    }

    #[test]
    fn only_parties_that_are_expected_have_codes() {
        check(
            "
            at 0 adopt
            at 0 node publishes key:5-1
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia holds slot:1 for=60
            at 1 mia asks for another code booking:1 signer=5-1
            at 61 mia asks for code booking:1 signer=5-1
            at 62 mia books slot:1
            at 63 mia cancels booking:2
            at 64 mia asks for code booking:2 signer=5-1
            at 65 mia books slot:1
            at 66 mia books slot:1
            at 1000 tick
            at 1001 mia asks for another code booking:3 signer=5-1
            at 1002 sam scans booking:3
            at 1003 mia asks for code booking:3 signer=5-1
            at 2000 tick
            at 2000 tick
            at 2001 mia asks for code booking:4 signer=5-1
            at 2002 mia asks for code booking:5 signer=5-1
            ",
            &expect![[r#"
                adopt -> edition 2
                node publishes key:5-1 -> registered
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=61 [booking.held]
                mia asks for another code booking:1 signer=5-1 -> not_confirmed
                mia asks for code booking:1 signer=5-1 -> hold_expired expired_at=61
                mia books slot:1 -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia cancels booking:2 -> booking:2 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
                mia asks for code booking:2 signer=5-1 -> already_cancelled
                mia books slot:1 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia books slot:1 -> booking:4 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tick -> ticked 4 [booking.ready booking.ready booking.expired slot.started]
                mia asks for another code booking:3 signer=5-1 -> booking:3 code=1 keys=5-1 since=1001
                sam scans booking:3 -> booking:3 used slot:1 pool:1 user:3 count=1 version=3 [booking.used]
                mia asks for code booking:3 signer=5-1 -> already_used used_at=1002 used_by=user:2
                tick -> ticked 2 [slot.finished booking.no_show]
                tick -> ticked 0
                mia asks for code booking:4 signer=5-1 -> no_show since=2000
                mia asks for code booking:5 signer=5-1 -> booking_not_found booking:5
            "#]],
        );
    }
}
