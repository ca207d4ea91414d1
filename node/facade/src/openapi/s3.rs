//! Seed S3, described: tickets of events. Problems are `{error,code}`; what is malformed is a map of fields and messages.

mod bodies;

use serde_json::{Value, json};

use self::bodies::{event, event_row, new_event, new_type, ticket, wish};
use super::answers::{answer, code_in, read};
use super::codes::{
    ALREADY_CANCELLED, ALREADY_USED, BOOKING_NOT_FOUND, Code, EVENT_NOT_FOUND, LIMIT_REACHED, NO_SHOW,
    NOT_HELD, PAYMENT_MISMATCH, PAYMENT_REFERENCE_TAKEN, QUEUE_FULL, SLOT_NOT_FOUND, TICKET_TYPE_NOT_FOUND,
    TOO_LATE, TOO_MANY_POOLS, WRONG_FIELDS,
};
use super::operation::{Operation, get, post};
use super::parameters::{id, prefer, query, required_query, uid, wait};
use super::schemas::{Components, Shape, digits, list, list_of, number, object, text, word};
use super::style::Seed;
use super::v1::bookings::OF_CHANGES;
use crate::http::s3::error_body;
use crate::http::s3::events::{EventBody, TypeRow};
use crate::http::s3::ticket_types::{NewTicket, TicketBody};
use crate::problem::Problem;

pub(super) const STYLE: Seed = Seed { name: "s3", example, schema };

const BOOKED: Shape = |_| object(&[("booking_id", digits())]);
const STATS: Shape = |_| json!({"type": "object", "additionalProperties": list(text())});
const STATUS: Shape = |_| {
    let words = word(&["InProcess", "PaymentPending", "Confirmed", "Rejected", "Canceled"]);
    object(&[("booking_id", digits()), ("booking_status", words)])
};

fn example(code: Code) -> Value {
    let wrong = Problem::new(code.status, code.code, code.means).with("date", json!(["expected yyyy-MM-dd"]));
    error_body(&wrong)
}

fn schema(codes: &[Code]) -> Value {
    let told = object(&[("error", text()), ("code", code_in(codes))]);
    if !codes.contains(&WRONG_FIELDS) {
        return told;
    }
    let of_fields = json!({"type": "object", "additionalProperties": list(text()), "minProperties": 1});
    json!({"anyOf": [of_fields, told]})
}

pub(super) fn operations() -> Vec<Operation> {
    [events(), bookings(), users()].into_iter().flatten().collect()
}

fn events() -> Vec<Operation> {
    let day = || json!({"type": "string", "format": "date"});
    vec![
        declared(post("/event", "Add an event"))
            .keyed()
            .body(
                |_| new_event(),
                json!({"name": "Concert", "description": "Loud.", "date": "2030-05-01", "venue": "Hall"}),
            )
            .answers(
                answer(201, "Its id.", |_| object(&[("event_id", digits())]), json!({"event_id": "7"}))
                    .with("Location"),
            )
            .refuses(&[WRONG_FIELDS]),
        get("/event", "List events")
            .with(query("venue", "Only those of this venue.", text()))
            .with(query("from", "Only those on this day or later.", day()))
            .with(query("to", "Only those on this day or before.", day()))
            .reads()
            .answers(read("The events.", list_of::<EventBody>, json!([event()])))
            .refuses(&[WRONG_FIELDS]),
        get("/event/{id}", "List what an event sells")
            .with(id("id", "The event."))
            .reads()
            .answers(read("A row for each type of tickets.", list_of::<TypeRow>, json!([event_row()])))
            .refuses(&[EVENT_NOT_FOUND]),
        declared(post("/event/{id}/ticket", "Add a type of tickets"))
            .about("For the owner of the event and operators.")
            .with(id("id", "The event."))
            .keyed()
            .body(
                |_| new_type(),
                json!({"ticket_type": "Pit", "seat_type": "General", "price": 20.5, "quantity": 100}),
            )
            .answers(answer(201, "Its tickets.", made, made_example()))
            .refuses(&[WRONG_FIELDS, EVENT_NOT_FOUND, TOO_LATE, TOO_MANY_POOLS]),
        get("/ticket", "List the tickets of a type")
            .with(required_query("ticket_type_id", "The type.", number(), json!(4)))
            .reads()
            .answers(read("The tickets.", list_of::<TicketBody>, json!([ticket()])))
            .refuses(&[WRONG_FIELDS, TICKET_TYPE_NOT_FOUND]),
    ]
}

fn bookings() -> Vec<Operation> {
    vec![
        declared(post("/event/{id}/booking", "Ask for tickets"))
            .about("Tried when its turn comes: its status says what became of it.")
            .with(id("id", "The event."))
            .keyed()
            .body(|_| wish(), json!({"ticket_type_id": "4", "quantity": 2}))
            .answers(answer(201, "Its id.", BOOKED, booked()).with("Location"))
            .refuses(&[WRONG_FIELDS, EVENT_NOT_FOUND, TICKET_TYPE_NOT_FOUND, QUEUE_FULL]),
        of_booking(get("/booking/{id}/status", "Show how far a booking has come"))
            .with(prefer())
            .with(wait())
            .reads()
            .answers(read(
                "Its status.",
                STATUS,
                json!({"booking_id": "11", "booking_status": "PaymentPending"}),
            )),
        of_booking(get("/booking/{id}/ticket", "List the tickets of a booking")).reads().answers(read(
            "The tickets.",
            list_of::<TicketBody>,
            json!([ticket()]),
        )),
        of_booking(post("/booking/{id}/payment", "Pay a booking"))
            .about("One that comes too late is taken too: the status says what became of it.")
            .keyed()
            .answers(answer(200, "It is taken.", BOOKED, booked()))
            .refuses(&[ALREADY_CANCELLED, ALREADY_USED, NO_SHOW, NOT_HELD, SLOT_NOT_FOUND, TOO_LATE])
            .refuses(&[PAYMENT_MISMATCH, PAYMENT_REFERENCE_TAKEN, LIMIT_REACHED]),
        of_booking(post("/booking/{id}/cancel", "Cancel a booking that is not paid"))
            .keyed()
            .answers(answer(200, "It is cancelled.", BOOKED, booked()))
            .refuses(OF_CHANGES),
    ]
}

fn users() -> Vec<Operation> {
    let name = |_: &mut Components| {
        object(&[("name", json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S"}))])
    };
    vec![
        post("/user", "Give somebody a number to call with")
            .by_token_or_word()
            .keyed()
            .body(name, json!({"name": "Mia"}))
            .answers(answer(
                201,
                "The number.",
                |_| object(&[("user_id", text())]),
                json!({"user_id": "1001"}),
            ))
            .refuses(&[WRONG_FIELDS]),
        declared(get("/user/stats", "List who has booked what")).reads().answers(read(
            "Names of tickets by the name of who has them.",
            STATS,
            json!({"Mia": ["A1", "A2"]}),
        )),
    ]
}

fn of_booking(operation: Operation) -> Operation {
    declared(operation).with(id("id", "The booking.")).refuses(&[BOOKING_NOT_FOUND])
}

fn declared(operation: Operation) -> Operation {
    operation.by_token_or_word().with(uid())
}

fn made(components: &mut Components) -> Value {
    object(&[("ticket_type_id", digits()), ("tickets", list_of::<NewTicket>(components))])
}

fn made_example() -> Value {
    json!({"ticket_type_id": "4", "tickets": [{"ticket_id": "524288", "name": "1"}]})
}

fn booked() -> Value {
    json!({"booking_id": "11"})
}
