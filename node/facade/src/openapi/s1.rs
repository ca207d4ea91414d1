//! Seed S1, described: events, performances and reservations. Problems are `{statusCode,message,error,code}`.

use serde_json::{Value, json};

use super::answers::{Success, answer, code_in, read};
use super::codes::{
    BOOKING_NOT_FOUND, Code, FORBIDDEN, NO_SEATS, QUEUE_FULL, RESOURCE_NOT_FOUND, S1_HAS_BOOKINGS,
    S1_HAS_SLOTS, S1_INVALID, SLOT_NOT_FOUND, TOO_LATE,
};
use super::operation::{Operation, delete, get, patch, post};
use super::parameters::{id, page, query};
use super::schemas::{Shape, digits, list_of, number, object, of, text, word};
use super::style::Seed;
use super::v1::bookings::{OF_CHANGES, OF_CONFIRMATIONS, OF_PLACES};
use crate::access::Endpoint;
use crate::http::s1::bodies::{EventBody, OfferBody, PerformanceBody, ReservationBody, SeatBody};
use crate::http::s1::errors::nest;
use crate::http::s1::events::{ChangeBody as EventChange, NewEventBody};
use crate::http::s1::performances::{ChangeBody as PerformanceChange, NewPerformanceBody};
use crate::http::s1::reservations::ReserveBody;

pub(super) const STYLE: Seed = Seed { name: "s1", example: |code| nest(&code.to_problem()), schema };

const SAID: Shape = |_| object(&[("id", digits()), ("message", text())]);

fn schema(codes: &[Code]) -> Value {
    object(&[("statusCode", number()), ("message", text()), ("error", text()), ("code", code_in(codes))])
}

pub(super) fn operations() -> Vec<Operation> {
    [events(), performances(), reservations()].into_iter().flatten().collect()
}

fn events() -> Vec<Operation> {
    vec![
        post("/events", "Add an event of one's own")
            .by(Endpoint::ManageEvents)
            .keyed()
            .body(of::<NewEventBody>, json!({"title": "Jazz night", "description": "A trio."}))
            .answers(answer(201, "The event.", of::<OfferBody>, offer()).with("Location"))
            .refuses(&[S1_INVALID]),
        listing(get("/events", "List events, newest first"))
            .about("With those of S2; a thousand unless `limit` is given.")
            .answers(read("The events with their performances.", list_of::<OfferBody>, json!([offer()]))),
        get("/events/{id}", "Show an event")
            .with(id("id", "The event."))
            .reads()
            .answers(read("The event with its performances.", of::<OfferBody>, offer()))
            .refuses(&[RESOURCE_NOT_FOUND]),
        of_event(patch("/events/{id}", "Rename an event"))
            .body(of::<EventChange>, json!({"title": "Jazz morning"}))
            .answers(answer(200, "The event as it is now.", of::<EventBody>, event()))
            .refuses(&[S1_INVALID]),
        of_event(delete("/events/{id}", "Delete an event without performances"))
            .answers(answer(200, "It is gone.", SAID, json!({"id": "2", "message": "the event was deleted"})))
            .refuses(&[S1_HAS_SLOTS]),
        of_event(post("/events/{id}/performances", "Add a performance of an event"))
            .about("It lasts three hours, and its seats have numbers.")
            .body(of::<NewPerformanceBody>, json!({"startAt": START, "totalSeats": 50}))
            .answers(answer(201, "The performance.", of::<PerformanceBody>, performance()).with("Location"))
            .refuses(&[S1_INVALID]),
    ]
}

fn performances() -> Vec<Operation> {
    let words = word(&["AVAILABLE", "HELD", "OCCUPIED"]);
    vec![
        get("/performances", "List performances of all events").reads().answers(read(
            "The performances.",
            list_of::<PerformanceBody>,
            json!([performance()]),
        )),
        get("/performances/{id}", "Show a performance with its event")
            .with(id("id", "The performance."))
            .reads()
            .answers(read("The performance.", of::<PerformanceBody>, performance()))
            .refuses(&[SLOT_NOT_FOUND]),
        of_performance(patch("/performances/{id}", "Change time or number of seats"))
            .body(of::<PerformanceChange>, json!({"startAt": START, "totalSeats": 60}))
            .answers(answer(200, "The performance as it is now.", of::<PerformanceBody>, performance()))
            .refuses(&[S1_INVALID, S1_HAS_BOOKINGS, TOO_LATE, NO_SEATS]),
        of_performance(delete("/performances/{id}", "Delete a performance nobody has seats of"))
            .answers(answer(
                200,
                "It is gone.",
                SAID,
                json!({"id": "5", "message": "the performance was deleted"}),
            ))
            .refuses(&[S1_HAS_BOOKINGS]),
        get("/performances/{id}/seats", "List the seats of a performance")
            .with(id("id", "The performance."))
            .with(query("status", "Only those that are this.", words))
            .reads()
            .answers(read("The seats in the order of their numbers.", list_of::<SeatBody>, json!([seat()])))
            .refuses(&[SLOT_NOT_FOUND]),
    ]
}

fn reservations() -> Vec<Operation> {
    vec![
        post("/reservations", "Hold a seat")
            .by(Endpoint::Book)
            .keyed()
            .body(of::<ReserveBody>, json!({"seatId": "262144"}))
            .answers(reserved(201, "The reservation, to be paid in ten minutes.").with("Location"))
            .refuses(OF_PLACES)
            .refuses(&[S1_INVALID, QUEUE_FULL]),
        listing(get("/reservations", "List one's reservations, newest first").by(Endpoint::ReadBookings))
            .answers(read("The reservations.", list_of::<ReservationBody>, json!([reservation()]))),
        get("/reservations/{id}", "Show a reservation")
            .by(Endpoint::ReadBookings)
            .with(id("id", "The reservation."))
            .reads()
            .answers(read("The reservation.", of::<ReservationBody>, reservation()).with("ETag"))
            .refuses(&[BOOKING_NOT_FOUND]),
        of_reservation(post("/reservations/{id}/confirm", "Pay a reservation")).refuses(OF_CONFIRMATIONS),
        of_reservation(patch("/reservations/{id}/cancel", "Cancel a reservation that is not paid")),
    ]
}

/// What lists have in common: a limit that makes no sense is 400 here.
fn listing(operation: Operation) -> Operation {
    let [limit, after] = page();
    operation.with(limit).with(after).reads().refuses(&[S1_INVALID])
}

fn of_event(operation: Operation) -> Operation {
    owned(operation).with(id("id", "The event."))
}

fn of_performance(operation: Operation) -> Operation {
    owned(operation).with(id("id", "The performance.")).refuses(&[SLOT_NOT_FOUND])
}

fn owned(operation: Operation) -> Operation {
    let owned =
        operation.about("For the owner of the event and operators.").by(Endpoint::ManageEvents).keyed();
    owned.refuses(&[FORBIDDEN, RESOURCE_NOT_FOUND])
}

fn of_reservation(operation: Operation) -> Operation {
    let of_one = operation.by(Endpoint::ChangeBooking).with(id("id", "The reservation.")).keyed().versioned();
    of_one.answers(reserved(200, "The reservation as it is now.")).refuses(OF_CHANGES)
}

fn reserved(status: u16, about: &'static str) -> Success {
    answer(status, about, of::<ReservationBody>, reservation()).with("ETag")
}

const START: &str = "2030-05-01T19:30:00Z";

fn event() -> Value {
    json!({"id": "2", "title": "Jazz night", "name": "Jazz night", "description": "A trio.", "userId": "7"})
}

fn offer() -> Value {
    let mut offer = event();
    offer["totalSeats"] = json!(50);
    offer["availableSeats"] = json!(48);
    offer["performances"] = json!([performance()]);
    offer
}

fn performance() -> Value {
    json!({
        "id": "5", "eventId": "2", "startAt": START, "endAt": "2030-05-01T22:30:00Z", "totalSeats": 50,
        "availableSeats": 48,
    })
}

fn seat() -> Value {
    json!({"id": "262144", "performanceId": "5", "seatNumber": "1", "status": "AVAILABLE"})
}

fn reservation() -> Value {
    json!({
        "id": "11", "userId": "7", "performanceId": "5", "seatId": "262144", "status": "PENDING",
        "reservedAt": "2030-04-01T12:00:00Z", "expiresAt": "2030-04-01T12:10:00Z", "paidAt": null, "version": 1,
    })
}
