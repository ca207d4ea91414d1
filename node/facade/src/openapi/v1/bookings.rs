//! `/v1/bookings`, described.

use serde_json::{Value, json};

use super::jobs::job;
use super::page;
use crate::access::Endpoint;
use crate::http::v1::bookings::bodies::{BookBody, ConfirmBody, ExtendBody, ModifyBody};
use crate::http::v1::jobs::JobBody;
use crate::openapi::answers::{Success, answer, read};
use crate::openapi::codes::{
    ALREADY_CANCELLED, ALREADY_USED, BOOKING_NOT_FOUND, Code, FORBIDDEN, HOLD_EXPIRED, INVALID,
    LIMIT_REACHED, NO_SEATS, NO_SHOW, NO_SUCH_SEATS, NOT_HELD, NOT_SO_MANY, PAYMENT_MISMATCH,
    PAYMENT_REFERENCE_TAKEN, PLACES_GONE, POOL_NOT_FOUND, QUEUE_FULL, SEAT_NOT_FOUND, SEAT_TAKEN, SLOT_FULL,
    SLOT_NOT_FOUND, TOO_LATE, USER_NOT_FOUND, WAITING_ROOM,
};
use crate::openapi::operation::{Operation, get, patch, post};
use crate::openapi::parameters::{id, prefer, query, query_id, wait};
use crate::openapi::schemas::{of, page_of, text};
use crate::wire::BookingBody;

/// Why places cannot be had.
pub(in crate::openapi) const OF_PLACES: &[Code] = &[
    SLOT_NOT_FOUND,
    POOL_NOT_FOUND,
    SEAT_NOT_FOUND,
    SLOT_FULL,
    SEAT_TAKEN,
    NO_SEATS,
    NO_SUCH_SEATS,
    LIMIT_REACHED,
    TOO_LATE,
];

/// Why a hold cannot be confirmed, besides.
pub(in crate::openapi) const OF_CONFIRMATIONS: &[Code] =
    &[SLOT_NOT_FOUND, TOO_LATE, PAYMENT_MISMATCH, PAYMENT_REFERENCE_TAKEN, PLACES_GONE, LIMIT_REACHED];

/// Why a booking cannot be changed.
pub(in crate::openapi) const OF_CHANGES: &[Code] =
    &[BOOKING_NOT_FOUND, ALREADY_CANCELLED, ALREADY_USED, HOLD_EXPIRED, NO_SHOW, NOT_HELD];

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        post("/v1/bookings", "Book or hold places")
            .about("As a job if the caller prefers one, names a priority or a moment, or has to wait for his turn.")
            .by(Endpoint::Book)
            .keyed()
            .with(prefer())
            .with(wait())
            .body(of::<BookBody>, json!({"slotId": 1, "count": 2, "hold": true, "holdSeconds": 120}))
            .answers(shown(201, "The booking.", held()).with("Location"))
            .answers(answer(202, "The job.", of::<JobBody>, job()).with("Location"))
            .refuses(OF_PLACES)
            .refuses(&[INVALID, FORBIDDEN, USER_NOT_FOUND, QUEUE_FULL]),
        get("/v1/bookings", "List bookings, newest first")
            .about("One's own; everybody's for staff, operators and apps.")
            .by(Endpoint::ReadBookings)
            .with(query_id("userId", "Only this user's."))
            .with(query_id("slotId", "Only those of this slot."))
            .with(query("status", "Only those that are this, as bookings say it.", text()))
            .reads()
            .paged()
            .answers(read("A page of bookings.", page_of::<BookingBody>, page(booking())))
            .refuses(&[FORBIDDEN]),
        get("/v1/bookings/{id}", "Show a booking")
            .by(Endpoint::ReadBookings)
            .with(id("id", "The booking."))
            .reads()
            .answers(read("The booking.", of::<BookingBody>, booking()).with("ETag"))
            .refuses(&[BOOKING_NOT_FOUND]),
        changing(Endpoint::ChangeBooking, patch("/v1/bookings/{id}", "Change slot, pool, count or seats"))
            .about("All or nothing: what cannot be had leaves the booking as it is.")
            .body(of::<ModifyBody>, json!({"count": 3}))
            .answers(shown(200, "The booking as it is now.", booking()))
            .refuses(OF_PLACES)
            .refuses(&[INVALID, WAITING_ROOM]),
        changing(Endpoint::ChangeBooking, post("/v1/bookings/{id}/confirm", "Confirm a hold, or a part of it"))
            .body_if_any(of::<ConfirmBody>, json!({"count": 1, "payment": {"reference": "pay-17", "amount": 4200, "currency": "EUR"}}))
            .answers(shown(200, "The booking, confirmed.", booking()))
            .refuses(OF_CONFIRMATIONS)
            .refuses(&[INVALID, NOT_SO_MANY, SEAT_NOT_FOUND]),
        changing(Endpoint::ChangeBooking, post("/v1/bookings/{id}/extend", "Hold for longer"))
            .body_if_any(of::<ExtendBody>, json!({"holdSeconds": 300}))
            .answers(shown(200, "The booking with its new deadline.", held()))
            .refuses(&[INVALID, SLOT_NOT_FOUND, TOO_LATE]),
        changing(Endpoint::CancelBooking, post("/v1/bookings/{id}/cancel", "Cancel a booking"))
            .answers(shown(200, "The booking, cancelled.", with_status("cancelled")))
            .refuses(&[SLOT_NOT_FOUND, TOO_LATE]),
    ]
}

/// What all calls have in common that change a booking.
pub(super) fn changing(endpoint: Endpoint, operation: Operation) -> Operation {
    operation.by(endpoint).with(id("id", "The booking.")).keyed().versioned().refuses(OF_CHANGES)
}

/// A booking with its version.
pub(super) fn shown(status: u16, about: &'static str, example: Value) -> Success {
    answer(status, about, of::<BookingBody>, example).with("ETag")
}

pub(super) fn booking() -> Value {
    json!({
        "id": 1, "slotId": 1, "poolId": 1, "userId": 7, "status": "confirmed", "count": 2, "seats": [], "version": 2,
        "revision": "1042-0", "bookedAt": "2030-06-20T08:30:00Z",
    })
}

pub(super) fn held() -> Value {
    let mut held = with_status("held");
    held["expiresAt"] = json!("2030-06-20T08:32:00Z");
    held
}

pub(super) fn with_status(status: &str) -> Value {
    let mut changed = booking();
    changed["status"] = json!(status);
    changed
}
