//! Confirming and paying in the model, in time and late.

use holdfast_reservations::*;

use crate::answers::{Refused, SeenPayment};
use crate::bookings::kept;
use crate::model::{Model, ModelBooking, ModelState, expect_held};

impl Model {
    pub fn confirm(&mut self, who: u64, wanted: &Confirm) -> Result<u64, Refused> {
        let id = wanted.booking.0;
        let booking = self.find(who, wanted.booking, wanted.expected_version)?;
        let is_settled = ["confirmed", "used"].contains(&self.see(id).state);
        if is_settled && wanted.paid.as_ref().is_some_and(|paid| is_paid_so(&booking, paid)) {
            return Ok(id);
        }
        let is_late = wanted.paid.is_some() && self.may_be_paid_late(id);
        if !is_late {
            expect_held(&self.see(id))?;
        }
        self.bookable(booking.slot)?;
        let kept = kept(&booking, wanted.part.as_ref())?;
        let payment = match &wanted.paid {
            Some(paid) => Some(self.paid(id, paid)?),
            None => booking.payment,
        };
        if is_late {
            self.expect_there(id, &kept)?;
        }
        self.confirmed(id, kept, payment)
    }

    fn confirmed(
        &mut self,
        id: u64,
        (count, seats): (u32, Vec<u32>),
        payment: Option<SeenPayment>,
    ) -> Result<u64, Refused> {
        self.change(id, |booking| {
            let state = ModelState::Confirmed;
            *booking = ModelBooking { state, count, seats, payment, ..booking.clone() };
        })
    }

    /// Whether a hold has ended, but so lately that a payment takes its places again.
    fn may_be_paid_late(&self, id: u64) -> bool {
        let booking = self.booking(id);
        let ModelState::Held { until } = booking.state else { return false };
        let Ok(slot) = self.bookable(booking.slot) else { return false };
        let grace = self.policy(&slot, booking.pool, PolicyField::LatePayment).unwrap_or(0);
        until <= self.now && self.now < until + grace
    }

    /// Refuses to take places again that are gone, or that are too many for the user by now.
    fn expect_there(&self, id: u64, (count, seats): &(u32, Vec<u32>)) -> Result<(), Refused> {
        let booking = self.booking(id);
        let are_free = seats.iter().all(|seat| self.is_free(booking.pool, *seat, None));
        if !are_free || self.free(booking.pool, None) < *count {
            return Err("places_gone");
        }
        self.expect_within(booking.user, &self.slot(booking.slot)?, booking.pool, *count, None)
    }

    /// The payment of a booking once it is made, unless it is another one than was agreed upon.
    fn paid(&self, id: u64, paid: &Paid) -> Result<SeenPayment, Refused> {
        self.expect_unused(id, &paid.reference)?;
        let (reference, price, state) = (paid.reference.clone(), paid.price.clone(), "paid");
        match &self.booking(id).payment {
            Some(due) if due.reference != reference => Err("payment_mismatch"),
            Some(due) if due.price.is_some() && price.is_some() && price != due.price => {
                Err("payment_mismatch")
            }
            Some(due) if due.state == "refused" => Err("places_gone"),
            Some(due) => Ok(SeenPayment { reference, price: due.price.clone().or(price), state }),
            None => Ok(SeenPayment { reference, price, state }),
        }
    }

    fn expect_unused(&self, id: u64, reference: &str) -> Result<(), Refused> {
        match self.payment_of(reference) {
            Some(other) if other != id => Err("payment_reference_taken"),
            _ => Ok(()),
        }
    }

    fn payment_of(&self, reference: &str) -> Option<u64> {
        let is_it = |booking: &ModelBooking| {
            booking.payment.as_ref().is_some_and(|known| known.reference == reference)
        };
        Some(self.bookings.iter().position(is_it)? as u64 + 1)
    }

    pub fn start_payment(&mut self, who: u64, wanted: &StartPayment) -> Result<u64, Refused> {
        let id = wanted.booking.0;
        let booking = self.find(who, wanted.booking, wanted.expected_version)?;
        expect_held(&self.see(id))?;
        self.expect_unused(id, &wanted.reference)?;
        let (reference, price) = (wanted.reference.clone(), Some(wanted.price.clone()));
        let payment = Some(SeenPayment { reference, price, state: "pending" });
        if booking.payment == payment {
            return Ok(id);
        }
        self.change(id, |booking| booking.payment = payment)
    }

    pub fn settle_payment(&mut self, wanted: &SettlePayment) -> Result<u64, Refused> {
        let reference = wanted.reference.clone();
        let id = self.payment_of(&reference).ok_or("payment_not_found")?;
        match &wanted.settlement {
            Settlement::Paid { price } => self.succeed(id, &Paid { reference, price: price.clone() }),
            Settlement::Failed { .. } => match &self.booking(id).payment {
                Some(payment) if payment.state == "pending" => self.note(id, "failed"),
                _ => Ok(id),
            },
        }
    }

    fn succeed(&mut self, id: u64, paid: &Paid) -> Result<u64, Refused> {
        let booking = self.booking(id).clone();
        let is_refused = booking.payment.as_ref().is_some_and(|payment| payment.state == "refused");
        if is_refused || is_paid_so(&booking, paid) {
            return Ok(id);
        }
        let payment = Some(self.paid(id, paid)?);
        let all = (booking.count, booking.seats);
        let seen = self.see(id);
        let is_in_time = seen.state == "held" && self.bookable(booking.slot).is_ok();
        if is_in_time || (self.may_be_paid_late(id) && self.expect_there(id, &all).is_ok()) {
            return self.confirmed(id, all, payment);
        }
        match seen.state {
            // Somebody confirmed it meanwhile without a word of payment: its places are not gone.
            "confirmed" | "used" => self.change(id, |booking| booking.payment = payment),
            _ => {
                let refused = payment.map(|payment| SeenPayment { state: "refused", ..payment });
                self.change(id, |booking| booking.payment = refused)
            }
        }
    }

    /// Notes what became of a booking's payment.
    fn note(&mut self, id: u64, state: &'static str) -> Result<u64, Refused> {
        self.change(id, |booking| {
            if let Some(payment) = &mut booking.payment {
                payment.state = state;
            }
        })
    }
}

fn is_paid_so(booking: &ModelBooking, paid: &Paid) -> bool {
    booking.payment.as_ref().is_some_and(|payment| {
        let is_same =
            payment.reference == paid.reference && (paid.price.is_none() || paid.price == payment.price);
        payment.state == "paid" && is_same
    })
}
