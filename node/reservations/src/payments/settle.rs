//! What a payment came to, as its provider says.

use serde::{Deserialize, Serialize};

use super::{Money, Paid, Payment, PaymentState, late};
use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::day;
use crate::event::BookingEvent;
use crate::holds::confirm::Kept;
use crate::holds::expire;
use crate::ids::BookingId;
use crate::outcome::{Halt, MissingRow, Outcome, Rejection};
use crate::payments;
use crate::places;
use crate::slots::Slot;

/// Notes what became of a payment: one that was made confirms the hold it is for, one that failed leaves it to its
/// deadline. Internal: proposed by a node that has verified the provider's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlePayment {
    /// What the provider calls it.
    pub reference: String,
    /// What it came to.
    pub settlement: Settlement,
}

/// What a payment came to. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// It was made.
    Paid {
        /// How much, if the provider says.
        price: Option<Money>,
    },
    /// It was not made.
    Failed {
        /// Why, in the provider's words.
        reason: String,
    },
}

impl SettlePayment {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let found = payments::booking_of(context, &self.reference);
        let id = found.ok_or_else(|| Rejection::PaymentNotFound(self.reference.clone()))?;
        let booking = context.expect_row::<Booking>(id, MissingRow::Booking(id))?;
        let booking = expire::end_if_lapsed(context, id, booking)?;
        let settled = match &self.settlement {
            Settlement::Paid { price } => {
                let paid = Paid { reference: self.reference.clone(), price: price.clone() };
                succeed(context, id, &booking, &paid)?
            }
            Settlement::Failed { reason } => fail(context, id, &booking, reason)?,
        };
        Ok(Outcome::Booking(id, settled))
    }
}

fn succeed(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
    paid: &Paid,
) -> Result<Booking, Halt> {
    let is_refused = matches!(booking.payment, Some(Payment { state: PaymentState::Refused { .. }, .. }));
    if is_refused || payments::is_settled_by(booking, paid) {
        return Ok(booking.clone());
    }
    let payment = payments::settled(context, id, booking, paid)?;
    let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
    let is_live = matches!(booking.state_at(context.now), BookingState::Held { .. })
        && slot.is_bookable_at(context.now);
    if booking.state.is_expected() || matches!(booking.state, BookingState::Used { .. }) {
        // Somebody confirmed it without waiting for the provider.
        let paid = Booking { payment: Some(payment), ..booking.clone() };
        return bookings::change(context, id, paid, BookingEvent::Changed);
    }
    let kept = Kept::all(booking);
    let is_confirmed = if is_live {
        places::confirm(context, id, booking, &kept)?;
        true
    } else if late::may_still_be_paid(context, booking) {
        is_taken_again(context, id, booking, &kept)?
    } else {
        false
    };
    if is_confirmed {
        let confirmed = Booking { payment: Some(payment), ..kept.of(booking) };
        let confirmed = bookings::change(context, id, confirmed, BookingEvent::Confirmed)?;
        day::confirmed(context, id, &confirmed)?;
        return Ok(confirmed);
    }
    refuse(context, id, booking, payment)
}

/// A refusal to take places again changes nothing, and here the money has come all the same.
fn is_taken_again(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
    kept: &Kept,
) -> Result<bool, Halt> {
    match late::take_again(context, id, booking, kept) {
        Ok(()) => Ok(true),
        Err(Halt::Rejected(_)) => Ok(false),
        Err(contradiction @ Halt::Contradicted(_)) => Err(contradiction),
    }
}

/// Money for places that are gone: kept in mind, so that it is given back.
fn refuse(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
    payment: Payment,
) -> Result<Booking, Halt> {
    let payment = Payment { state: PaymentState::Refused { at: context.now }, ..payment };
    let refused = Booking { payment: Some(payment), ..booking.clone() };
    bookings::change(context, id, refused, BookingEvent::Changed)
}

fn fail(context: &mut Context<'_>, id: BookingId, booking: &Booking, reason: &str) -> Result<Booking, Halt> {
    match &booking.payment {
        Some(payment @ Payment { state: PaymentState::Pending, .. }) => {
            let state = PaymentState::Failed { at: context.now, reason: reason.to_owned() };
            let payment = Some(Payment { state, ..payment.clone() });
            bookings::change(context, id, Booking { payment, ..booking.clone() }, BookingEvent::Changed)
        }
        // What was paid, refused or failed before stays what it was: providers tell us twice, and out of order.
        Some(_) | None => Ok(booking.clone()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn what_was_paid_in_time_is_confirmed_once() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=2
            at 0 mia holds slot:1 for=60
            at 1 mia starts payment of booking:1 reference=p1 amount=500
            at 1 mia starts payment of booking:1 reference=p1 amount=500
            at 2 provider settles p1 amount=400
            at 2 provider settles p1 amount=500
            at 2 provider settles p1 amount=500
            at 2 provider fails p1
            at 2 provider settles p2
            at 2 mia settles p1
            at 2 look slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=2 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                mia starts payment of booking:1 reference=p1 amount=500 -> booking:1 held slot:1 pool:1 user:3 count=1 version=2 until=60 p1=pending [booking.changed]
                mia starts payment of booking:1 reference=p1 amount=500 -> booking:1 held slot:1 pool:1 user:3 count=1 version=2 until=60 p1=pending
                provider settles p1 amount=400 -> payment_mismatch
                provider settles p1 amount=500 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=3 p1=paid [booking.confirmed]
                provider settles p1 amount=500 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=3 p1=paid
                provider fails p1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=3 p1=paid
                provider settles p2 -> payment_not_found p2
                mia settles p1 -> forbidden
                look slot:1 -> open 1000..2000 pool:1 available=1 held=0 confirmed=1
            "#]],
        );
    }

    #[test]
    fn a_payment_that_failed_leaves_the_hold_to_its_deadline() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=2
            at 0 mia holds slot:1 for=60
            at 1 mia starts payment of booking:1 reference=p1 amount=500
            at 2 provider fails p1
            at 3 mia starts payment of booking:1 reference=p2 amount=500
            at 3 provider settles p1
            at 4 tom holds slot:1
            at 4 tom starts payment of booking:2 reference=p2 amount=500
            at 5 provider settles p2
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=2 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                mia starts payment of booking:1 reference=p1 amount=500 -> booking:1 held slot:1 pool:1 user:3 count=1 version=2 until=60 p1=pending [booking.changed]
                provider fails p1 -> booking:1 held slot:1 pool:1 user:3 count=1 version=3 until=60 p1=failed [booking.changed]
                mia starts payment of booking:1 reference=p2 amount=500 -> booking:1 held slot:1 pool:1 user:3 count=1 version=4 until=60 p2=pending [booking.changed]
                provider settles p1 -> payment_not_found p1
                tom holds slot:1 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=600004 [booking.held]
                tom starts payment of booking:2 reference=p2 amount=500 -> payment_reference_taken
                provider settles p2 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=5 p2=paid [booking.confirmed]
            "#]],
        );
    }

    #[test]
    fn a_late_payment_is_refused_unless_a_policy_lets_it_take_the_places_again() {
        check(
            "
            at 0   olga opens slot resource=1 from=1000 to=2000 capacity=1
            at 0   mia holds slot:1 for=60
            at 0   mia starts payment of booking:1 reference=p1 amount=500
            at 60  provider settles p1 amount=500
            at 60  provider settles p1 amount=500
            at 61  tick
            at 61  olga sets policy cluster late=100
            at 70  tom holds slot:1 for=60
            at 70  tom starts payment of booking:2 reference=p2 amount=500
            at 130 tick
            at 229 provider settles p2
            at 230 mia holds slot:1 for=60
            at 230 tom cancels booking:2
            at 230 mia holds slot:1 for=60
            at 290 tick
            at 300 tom books slot:1
            at 300 mia confirms booking:3 paid=p3
            at 300 look slot:1
            at 390 mia confirms booking:3 paid=p3
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=1 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                mia starts payment of booking:1 reference=p1 amount=500 -> booking:1 held slot:1 pool:1 user:3 count=1 version=2 until=60 p1=pending [booking.changed]
                provider settles p1 amount=500 -> booking:1 expired slot:1 pool:1 user:3 count=1 version=4 p1=refused [booking.expired booking.changed]
                provider settles p1 amount=500 -> booking:1 expired slot:1 pool:1 user:3 count=1 version=4 p1=refused
                tick -> ticked 0
                olga sets policy cluster late=100 -> Cluster late=100
                tom holds slot:1 for=60 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=130 [booking.held]
                tom starts payment of booking:2 reference=p2 amount=500 -> booking:2 held slot:1 pool:1 user:4 count=1 version=2 until=130 p2=pending [booking.changed]
                tick -> ticked 1 [booking.expired]
                provider settles p2 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=4 p2=paid [booking.confirmed]
                mia holds slot:1 for=60 -> slot_full available=0 sold_out_at=229
                tom cancels booking:2 -> booking:2 cancelled slot:1 pool:1 user:4 count=1 version=5 p2=paid [booking.cancelled]
                mia holds slot:1 for=60 -> booking:3 held slot:1 pool:1 user:3 count=1 version=1 until=290 [booking.held]
                tick -> ticked 1 [booking.expired]
                tom books slot:1 -> booking:4 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
                mia confirms booking:3 paid=p3 -> places_gone
                look slot:1 -> open 1000..2000 pool:1 available=0 held=0 confirmed=1
                mia confirms booking:3 paid=p3 -> hold_expired expired_at=290
            "#]],
        );
    }

    #[test]
    fn money_that_goes_back_buys_nothing_any_more() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000000 to=2000000 capacity=1
            at 0 olga sets policy cluster late=1000000
            at 0 mia holds slot:1 for=60
            at 0 mia starts payment of booking:1 reference=r amount=5
            at 60 tom holds slot:1 for=600
            at 61 provider settles r amount=5
            at 62 tom voids booking:2
            at 63 mia confirms booking:1 paid=r amount=5
            at 63 provider settles r amount=5
            at 63 look slot:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000000 to=2000000 capacity=1 -> slot:1 [slot.opened]
                olga sets policy cluster late=1000000 -> Cluster late=1000000
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                mia starts payment of booking:1 reference=r amount=5 -> booking:1 held slot:1 pool:1 user:3 count=1 version=2 until=60 r=pending [booking.changed]
                tom holds slot:1 for=600 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=660 [booking.expired booking.held]
                provider settles r amount=5 -> booking:1 expired slot:1 pool:1 user:3 count=1 version=4 r=refused [booking.changed]
                tom voids booking:2 -> booking:2 cancelled slot:1 pool:1 user:4 count=1 version=2 [booking.cancelled]
                mia confirms booking:1 paid=r amount=5 -> places_gone
                provider settles r amount=5 -> booking:1 expired slot:1 pool:1 user:3 count=1 version=4 r=refused
                look slot:1 -> open 1000000..2000000 pool:1 available=1 held=0 confirmed=0
            "#]],
        );
    }

    #[test]
    fn a_provider_says_how_much_it_was_if_nobody_did() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000000 to=2000000 capacity=1
            at 0 mia holds slot:1 for=60
            at 0 mia confirms booking:1 paid=r
            at 1 provider settles r amount=1000
            at 2 provider settles r amount=1001
            at 2 mia cancels booking:1
            at 3 mia confirms booking:1 paid=r
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000000 to=2000000 capacity=1 -> slot:1 [slot.opened]
                mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
                mia confirms booking:1 paid=r -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=2 r=paid [booking.confirmed]
                provider settles r amount=1000 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=3 r=paid [booking.changed]
                provider settles r amount=1001 -> payment_mismatch
                mia cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=1 version=4 r=paid [booking.cancelled]
                mia confirms booking:1 paid=r -> already_cancelled
            "#]],
        );
    }
}
