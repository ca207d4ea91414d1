//! Payments of bookings, and what their providers tell, described.

use serde_json::{Value, json};

use super::bookings::{booking, changing, held, shown};
use crate::access::Endpoint;
use crate::http::v1::bookings::pay::{SettleBody, StartBody};
use crate::openapi::answers::answer;
use crate::openapi::codes::OF_COMMANDS;
use crate::openapi::codes::{
    INVALID, PAYMENT_MISMATCH, PAYMENT_NOT_FOUND, PAYMENT_REFERENCE_TAKEN, UNSIGNED_WEBHOOK,
};
use crate::openapi::operation::{Operation, post};
use crate::openapi::parameters::required_header;
use crate::openapi::schemas::of;
use crate::wire::BookingBody;

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        changing(Endpoint::Pay, post("/v1/bookings/{id}/payment", "Start the payment of a hold"))
            .about(
                "The provider is given the reference; what it tells of it confirms the booking, or does not.",
            )
            .body(of::<StartBody>, json!({"reference": "pay-17", "amount": 4200, "currency": "EUR"}))
            .answers(shown(200, "The booking with its payment.", to_be_paid()))
            .refuses(&[INVALID, PAYMENT_REFERENCE_TAKEN]),
        post("/v1/payments/webhook", "Tell what became of a payment")
            .about("For payment providers, who sign as Standard Webhooks describe it. The id names the call.")
            .with(required_header("webhook-id", "Stays the same when the provider tells it again."))
            .with(required_header("webhook-timestamp", "When it was sent, in seconds."))
            .with(required_header(
                "webhook-signature",
                "`v1,` and a signature in base64; several with blanks between.",
            ))
            .body(of::<SettleBody>, event())
            .answers(answer(200, "The booking.", of::<BookingBody>, paid()))
            .refuses(OF_COMMANDS)
            .refuses(&[
                INVALID,
                UNSIGNED_WEBHOOK,
                PAYMENT_NOT_FOUND,
                PAYMENT_MISMATCH,
                PAYMENT_REFERENCE_TAKEN,
            ]),
    ]
}

fn event() -> Value {
    json!({"type": "payment.succeeded", "data": {"reference": "pay-17", "amount": 4200, "currency": "EUR"}})
}

fn to_be_paid() -> Value {
    let mut booking = held();
    booking["payment"] =
        json!({"reference": "pay-17", "amount": 4200, "currency": "EUR", "status": "pending"});
    booking
}

fn paid() -> Value {
    let mut booking = booking();
    booking["payment"] = json!({
        "reference": "pay-17", "amount": 4200, "currency": "EUR", "status": "paid", "at": "2030-06-20T08:31:00Z",
    });
    booking
}
