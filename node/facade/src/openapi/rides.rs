//! Seed S0 under `/rides`, described.

use serde_json::{Value, json};

use super::answers::{answer, file, read};
use super::codes::{
    ALREADY_CANCELLED, ALREADY_USED, BOOKING_NOT_FOUND, HOLD_EXPIRED, INVALID, NO_QUORUM, NO_SHOW,
    NO_SUCH_PATH, NODE_KEY_REVOKED, NOT_CONFIRMED, QUEUE_FULL, SLOT_NOT_FOUND, TOO_EARLY, TOO_LATE,
    UNSIGNED_URL, URL_EXPIRED, WAITING_ROOM,
};
use super::operation::{Operation, delete, get, patch, post, put};
use super::parameters::{id, part, query, query_id};
use super::schemas::{Components, Shape, flag, list_of, moment, number, object, of, text, word};
use super::v1::bookings::{OF_CHANGES, OF_PLACES};
use crate::access::Endpoint;
use crate::http::rides::{BookBody, ChangeBody, CheckInBody, HistoryRow};

const BOOKED: Shape = |_| object(&[("bookingId", number()), ("bookingTime", moment())]);
const DONE: Shape = |_| object(&[("success", flag())]);
const CODE: Shape = |_| object(&[("s3PresignedUrl", json!({"type": "string", "format": "uri"}))]);

pub(super) fn operations() -> Vec<Operation> {
    vec![
        post("/rides/book", "Book a ride")
            .about("A slot is named by its ride, start and end, never by its id.")
            .by(Endpoint::Book)
            .keyed()
            .body(of::<BookBody>, json!({"rideId": 1, "cnt": 2, "startTime": START, "endTime": END}))
            .answers(answer(
                201,
                "It is booked.",
                BOOKED,
                json!({"bookingId": 1, "bookingTime": "2030-06-20T08:30:00Z"}),
            ))
            .refuses(OF_PLACES)
            .refuses(&[INVALID, QUEUE_FULL]),
        get("/rides/book", "List one's bookings, whatever has become of them")
            .by(Endpoint::ReadBookings)
            .with(query_id("lastReceivedBookingId", "The list goes on behind it."))
            .with(query("size", "Bookings of a page: 20 unless given, 100 at most.", size()))
            .with(query("sort", "By what.", word(&["bookingTime"])))
            .with(query("order", "Newest or oldest first.", word(&["asc", "desc"])))
            .reads()
            .answers(read("The bookings.", history, json!({"bookings": [row()]})))
            .refuses(&[INVALID]),
        changing(Endpoint::ChangeBooking, put("/rides/book/{id}", "Change the number of places or the time"))
            .body(of::<ChangeBody>, json!({"cnt": 3, "startTime": START, "endTime": END}))
            .refuses(OF_PLACES)
            .refuses(&[INVALID, WAITING_ROOM]),
        changing(Endpoint::CancelBooking, delete("/rides/book/{id}", "Cancel a booking"))
            .refuses(&[SLOT_NOT_FOUND, TOO_LATE]),
        changing(Endpoint::CheckIn, patch("/rides/book/{id}/checkin", "Admit a party"))
            .about("When the scanner says it was is only recorded.")
            .body(of::<CheckInBody>, json!({"status": "checked-in", "checkInTime": START}))
            .refuses(&[INVALID, NOT_CONFIRMED, TOO_EARLY, TOO_LATE]),
        get("/rides/code/{id}", "Show where the entrance code of a booking is")
            .by(Endpoint::ReadCode)
            .with(id("id", "The booking."))
            .reads()
            .answers(read("A URL that is valid for some minutes.", CODE, json!({"s3PresignedUrl": URL})))
            .refuses(&[
                BOOKING_NOT_FOUND,
                ALREADY_CANCELLED,
                ALREADY_USED,
                HOLD_EXPIRED,
                NO_SHOW,
                NOT_CONFIRMED,
                NODE_KEY_REVOKED,
            ]),
        get("/q/{image}", "Show an entrance code as an image")
            .about("At the URL that `/rides/code` gives; `.svg` in place of `.png` is valid too.")
            .with(part("image", "The token, and .png or .svg.", text(), json!("AZ3x.png")))
            .with(query("exp", "Until when, in seconds.", text()))
            .with(query("sig", "The signature.", text()))
            .answers(file("The image.", &["image/png", "image/svg+xml"]))
            .refuses(&[UNSIGNED_URL, NO_SUCH_PATH, URL_EXPIRED, NO_QUORUM]),
    ]
}

const START: &str = "2030-06-23T10:00:00Z";
const END: &str = "2030-06-23T10:30:00Z";
const URL: &str = "https://tickets.example.com/q/AZ3x.png?exp=1908354600&sig=1-1.Qk5G";

/// What all calls have in common that change a booking.
fn changing(endpoint: Endpoint, operation: Operation) -> Operation {
    operation
        .by(endpoint)
        .with(id("id", "The booking."))
        .keyed()
        .versioned()
        .answers(answer(200, "It is done.", DONE, json!({"success": true})))
        .refuses(OF_CHANGES)
}

fn history(components: &mut Components) -> Value {
    object(&[("bookings", list_of::<HistoryRow>(components))])
}

fn size() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": i64::MAX, "default": 20})
}

fn row() -> Value {
    json!({
        "bookingId": 1, "bookingTime": "2030-06-20T08:30:00Z", "rideId": 1, "cnt": 2, "startTime": START,
        "endTime": END, "status": "BOOKING",
    })
}
