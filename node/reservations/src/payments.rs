//! Payments in two phases: what is to be paid for a hold, and that it was paid. The money moves elsewhere.

pub mod late;
pub mod settle;
pub mod start;

use serde::{Deserialize, Serialize};

pub use settle::{SettlePayment, Settlement};
pub use start::StartPayment;

use crate::bookings::Booking;
use crate::context::Context;
use crate::ids::BookingId;
use crate::outcome::{Halt, Rejection};
use crate::rows::{Key, ReadRows, Row};
use crate::time::Timestamp;

/// Letters of a reference, and of other texts about a payment. The facade refuses more.
pub const PAYMENT_TEXT_MAX: usize = 255;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Money {
    /// In the currency's smallest unit.
    pub amount: u64,
    /// ISO 4217, for instance `EUR`; `XXX` for none.
    pub currency: String,
}

/// What is to be paid for a booking, and how far that has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What the provider calls it; unique among bookings.
    pub reference: String,
    /// How much; `None` if whoever confirmed did not say.
    pub price: Option<Money>,
    /// How far it has come.
    pub state: PaymentState,
}

/// How far a payment has come. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentState {
    /// It is waited for.
    Pending,
    /// It was made.
    Paid {
        /// When we heard of it.
        at: Timestamp,
    },
    /// It was not made.
    Failed {
        /// When we heard of it.
        at: Timestamp,
        /// What the provider says.
        reason: String,
    },
    /// It was made when the places were gone; the money has to be given back.
    Refused {
        /// When we heard of it.
        at: Timestamp,
    },
}

impl PaymentState {
    /// The word for it on `/v1`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid { .. } => "paid",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
        }
    }
}

/// How something was paid, as whoever confirms says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// What the provider calls the payment.
    pub reference: String,
    /// How much it was, if said.
    pub price: Option<Money>,
}

/// The booking of a payment.
pub fn booking_of(rows: &(impl ReadRows + ?Sized), reference: &str) -> Option<BookingId> {
    match rows.get(&Key::PaymentByReference(reference.to_owned())) {
        Some(Row::PaymentByReference(id)) => Some(id),
        _ => None,
    }
}

/// Whether a booking was paid in just this way.
pub(crate) fn is_settled_by(booking: &Booking, paid: &Paid) -> bool {
    booking.payment.as_ref().is_some_and(|payment| {
        matches!(payment.state, PaymentState::Paid { .. })
            && payment.reference == paid.reference
            && (paid.price.is_none() || paid.price == payment.price)
    })
}

/// A booking's payment once it is made, unless it is not the one that was agreed upon.
pub(crate) fn settled(
    context: &Context<'_>,
    id: BookingId,
    booking: &Booking,
    paid: &Paid,
) -> Result<Payment, Halt> {
    expect_free(context, id, &paid.reference)?;
    let state = PaymentState::Paid { at: context.now };
    match &booking.payment {
        Some(due) if due.reference != paid.reference => Err(Rejection::PaymentMismatch.into()),
        Some(due) if due.price.is_some() && paid.price.is_some() && paid.price != due.price => {
            Err(Rejection::PaymentMismatch.into())
        }
        // The money is on its way back.
        Some(Payment { state: PaymentState::Refused { .. }, .. }) => Err(Rejection::PlacesGone.into()),
        Some(due) => {
            let price = due.price.clone().or_else(|| paid.price.clone());
            Ok(Payment { price, state, ..due.clone() })
        }
        None => Ok(Payment { reference: paid.reference.clone(), price: paid.price.clone(), state }),
    }
}

/// Refuses a reference under which something else was paid.
fn expect_free(context: &Context<'_>, id: BookingId, reference: &str) -> Result<(), Halt> {
    match booking_of(context, reference) {
        Some(other) if other != id => Err(Rejection::PaymentReferenceTaken.into()),
        Some(_) | None => Ok(()),
    }
}

/// Lets a payment's reference find its booking.
pub(crate) fn note_reference(context: &mut Context<'_>, id: BookingId, payment: &Payment) {
    context.set(Key::PaymentByReference(payment.reference.clone()), Row::PaymentByReference(id));
}
