//! Seed S2, described: seats are held and bought by jobs. Problems are `{error,code,..}`.

use serde_json::{Value, json};

use super::answers::{answer, code_in, read};
use super::codes::{
    BOOKING_NOT_FOUND, Code, EVENT_NOT_FOUND, HELD_WITH_OTHERS, INVALID, JOB_NOT_FOUND, NOT_HELD, NOT_HOLDER,
    POOL_NOT_FOUND, QUEUE_FULL, SEAT_NOT_FOUND, SEAT_TAKEN, SLOT_NOT_FOUND,
};
use super::operation::{Operation, get, post};
use super::parameters::{id, prefer, wait};
use super::schemas::{Components, Shape, digits, list_of, number, object, of, text, word};
use super::style::Seed;
use super::v1::bookings::OF_CHANGES;
use crate::http::s2::error_body;
use crate::http::s2::events::CreateBody;
use crate::http::s2::jobs::{AcceptedBody, JobBody};
use crate::http::s2::seats::SeatBody;
use crate::http::s2::wishes::WishBody;

pub(super) const STYLE: Seed = Seed { name: "s2", example: |code| error_body(&code.to_problem()), schema };

const MADE: Shape = |_| object(&[("id", digits()), ("name", text()), ("totalSeats", number())]);
const SAID: Shape = |_| object(&[("message", text())]);

fn schema(codes: &[Code]) -> Value {
    let mut schema = object(&[("error", text()), ("code", code_in(codes))]);
    schema["properties"]["currentStatus"] = word(&["Available", "On hold", "Reserved"]);
    schema
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        post("/events/create", "Add an event with so many seats")
            .by_token_or_word()
            .keyed()
            .body(of::<CreateBody>, json!({"name": "Match", "totalSeats": 100}))
            .answers(
                answer(201, "The event.", MADE, json!({"id": "3", "name": "Match", "totalSeats": 100}))
                    .with("Location"),
            )
            .refuses(&[INVALID]),
        get("/seats/list/{id}", "List the seats of an event that nobody has")
            .by_token_or_word()
            .with(id("id", "The event."))
            .reads()
            .answers(read("The seats; none if it is sold out.", seats, listed()))
            .refuses(&[EVENT_NOT_FOUND]),
        get("/seats/get/{id}", "Show a seat")
            .by_token_or_word()
            .with(id("id", "The seat."))
            .reads()
            .answers(read("The seat.", of::<SeatBody>, seat()))
            .refuses(&[SEAT_NOT_FOUND]),
        wish(post("/seats/hold", "Hold a seat, as a job"))
            .answers(answer(202, "The job.", of::<AcceptedBody>, accepted()))
            .refuses(&[SEAT_TAKEN, QUEUE_FULL]),
        wish(post("/seats/reserve", "Buy a seat one holds, as a job"))
            .answers(answer(202, "The job.", of::<AcceptedBody>, accepted()))
            .refuses(&[NOT_HOLDER, NOT_HELD, HELD_WITH_OTHERS, BOOKING_NOT_FOUND, QUEUE_FULL]),
        refresh("/seats/hold/refresh"),
        refresh("/seats/refresh"),
        get("/seats/job/{id}/status", "Show a job, or wait for its end")
            .by_token_or_word()
            .with(id("id", "The job."))
            .with(prefer())
            .with(wait())
            .reads()
            .answers(read("The job.", of::<JobBody>, job()))
            .refuses(&[JOB_NOT_FOUND]),
    ]
}

fn refresh(path: &'static str) -> Operation {
    let said = json!({"message": "Seat hold refreshed for 60 seconds."});
    wish(post(path, "Hold a seat for longer"))
        .answers(answer(200, "It is held from now on.", SAID, said))
        .refuses(&[NOT_HOLDER, NOT_HELD, HELD_WITH_OTHERS])
        .refuses(OF_CHANGES)
}

/// What calls have in common about one seat.
fn wish(operation: Operation) -> Operation {
    operation
        .about("With a token, UUID must be what its user goes by.")
        .by_token_or_word()
        .keyed()
        .body(of::<WishBody>, json!({"id": "262144", "UUID": "9f3c1fd2-6b0e-4b0f-8c57-2f4b8a1f3e77"}))
        .refuses(&[SEAT_NOT_FOUND, POOL_NOT_FOUND, SLOT_NOT_FOUND])
}

fn seats(components: &mut Components) -> Value {
    let event = object(&[("id", digits()), ("name", text())]);
    object(&[("total", number()), ("event", event), ("seats", list_of::<SeatBody>(components))])
}

fn listed() -> Value {
    json!({"total": 1, "event": {"id": "3", "name": "Match"}, "seats": [seat()]})
}

fn seat() -> Value {
    json!({
        "id": "262144", "eventId": "3", "performanceId": "6", "seatNumber": "1", "UUID": "", "status": "Available",
    })
}

fn accepted() -> Value {
    json!({
        "message": "The seat is going to be held; see statusEndpoint.", "jobId": "4", "position": 0,
        "estimatedWaitTime": 0, "statusEndpoint": "/seats/job/4/status",
    })
}

fn job() -> Value {
    let uuid = "9f3c1fd2-6b0e-4b0f-8c57-2f4b8a1f3e77";
    json!({
        "id": "4", "jobId": "4", "type": "HOLD_SEAT", "status": "completed",
        "data": {"seatId": "262144", "userUUID": uuid, "id": "262144", "UUID": uuid},
        "result": {"success": false, "status": 409, "message": "seat 1 is sold", "error": "seat_taken"},
        "createdAt": 1_905_000_000_000_u64, "completedAt": 1_905_000_000_020_u64,
    })
}
