//! Says what is to be paid for a hold.

use serde::{Deserialize, Serialize};

use super::{Money, Payment, PaymentState};
use crate::bookings::{self, Booking};
use crate::context::Context;
use crate::event::BookingEvent;
use crate::holds;
use crate::ids::BookingId;
use crate::outcome::{Halt, Outcome};
use crate::payments;
use crate::rows::Key;

/// Says what is to be paid for a hold, and under which reference. A payment that was waited for before is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPayment {
    /// For which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
    /// What the provider calls it.
    pub reference: String,
    /// How much.
    pub price: Money,
}

impl StartPayment {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let booking = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        holds::expect_held(&booking, context.now)?;
        payments::expect_free(context, self.booking, &self.reference)?;
        let (reference, price) = (self.reference.clone(), Some(self.price.clone()));
        let payment = Payment { reference, price, state: PaymentState::Pending };
        if booking.payment.as_ref() == Some(&payment) {
            return Ok(Outcome::Booking(self.booking, (*booking).clone()));
        }

        if let Some(before) = &booking.payment {
            context.delete(Key::PaymentByReference(before.reference.clone()));
        }
        payments::note_reference(context, self.booking, &payment);
        let changed = Booking { payment: Some(payment), ..(*booking).clone() };
        let changed = bookings::change(context, self.booking, changed, BookingEvent::Changed)?;
        Ok(Outcome::Booking(self.booking, changed))
    }
}
