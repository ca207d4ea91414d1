//! `/v1/slots` and the slots of a resource, described.

use serde_json::{Value, json};

use super::{WITHDRAWN, page};
use crate::access::Endpoint;
use crate::http::v1::slots::bodies::{ChangeBody, NewPoolBody, NewSlotBody, SeatBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{
    FORBIDDEN, HAS_BOOKINGS, INVALID, RESOURCE_NOT_FOUND, SLOT_NOT_FOUND, TOO_LATE, TOO_MANY_POOLS,
};
use crate::openapi::operation::{Operation, delete, get, patch, post};
use crate::openapi::parameters::{id, query, query_id};
use crate::openapi::schemas::{
    Components, exactly_one, list_of, moment, object, of, one_or_many, page_of, word,
};
use crate::wire::SlotBody;

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        post("/v1/resources/{id}/slots", "Open slots of a resource")
            .about(
                "One, or up to a thousand in an array, all or none; the answer has the same form and order.",
            )
            .about("For the owner of the resource and operators; only operators send more than 64 KiB.")
            .by(Endpoint::ManageEvents)
            .with(id("id", "The resource."))
            .keyed()
            .body(new_slots, asked())
            .answers(answer(201, "The slot, or all of them.", one_or_many::<SlotBody>, slot()))
            .refuses(&[INVALID, FORBIDDEN, RESOURCE_NOT_FOUND]),
        get("/v1/resources/{id}/slots", "List the slots of a resource, by their start")
            .by(Endpoint::ReadCatalog)
            .with(id("id", "The resource."))
            .with(query("from", "Only those that do not start before.", moment()))
            .reads()
            .paged()
            .answers(read("A page of slots.", page_of::<SlotBody>, page(slot())))
            .refuses(&[RESOURCE_NOT_FOUND]),
        get("/v1/slots/{id}", "Show a slot and what is left of it")
            .by(Endpoint::ReadCatalog)
            .with(id("id", "The slot."))
            .reads()
            .answers(read("The slot.", of::<SlotBody>, slot()))
            .refuses(&[SLOT_NOT_FOUND]),
        get("/v1/slots/{id}/seats", "List the seats of a slot")
            .by(Endpoint::ReadCatalog)
            .with(id("id", "The slot."))
            .with(query_id("poolId", "Only those of this pool."))
            .with(query("status", "Only those that are this.", word(&["available", "held", "sold"])))
            .reads()
            .answers(read("The seats.", seats, json!({"seats": [seat()]})))
            .refuses(&[INVALID, SLOT_NOT_FOUND]),
        changing(patch("/v1/slots/{id}", "Move a slot to another time"))
            .body(
                of::<ChangeBody>,
                json!({"startTime": "2030-06-23T10:00:00Z", "endTime": "2030-06-23T10:30:00Z"}),
            )
            .answers(answer(200, "The slot as it is now.", of::<SlotBody>, slot()))
            .refuses(&[INVALID, TOO_LATE]),
        changing(post("/v1/slots/{id}/pools", "Sell more kinds of places in a slot"))
            .about("One, or several in an array.")
            .body(
                new_pools,
                json!({"name": "balcony", "seats": ["A-1", {"label": "A-2", "accessible": true}]}),
            )
            .answers(answer(200, "The slot as it is now.", of::<SlotBody>, slot()))
            .refuses(&[INVALID, TOO_LATE, TOO_MANY_POOLS]),
        changing(delete("/v1/slots/{id}", "Take a slot off in which nobody has places"))
            .answers(answer(200, "It is off.", WITHDRAWN, json!({"id": 1, "status": "withdrawn"})))
            .refuses(&[HAS_BOOKINGS]),
    ]
}

/// What a pool has exactly one of.
const PLACES: [(&str, &str); 3] = [("capacity", "integer"), ("seats", "array"), ("seatCount", "integer")];

/// What all calls have in common that change a slot.
fn changing(operation: Operation) -> Operation {
    operation
        .about("For the owner of its resource and operators.")
        .by(Endpoint::ManageEvents)
        .with(id("id", "The slot."))
        .keyed()
        .refuses(&[FORBIDDEN, SLOT_NOT_FOUND, RESOURCE_NOT_FOUND])
}

fn new_slots(components: &mut Components) -> Value {
    let schema = one_or_many::<NewSlotBody>(components);
    exactly_one("NewPool", &PLACES, components);
    schema
}

fn new_pools(components: &mut Components) -> Value {
    let schema = one_or_many::<NewPoolBody>(components);
    exactly_one("NewPool", &PLACES, components);
    schema
}

fn seats(components: &mut Components) -> Value {
    object(&[("seats", list_of::<SeatBody>(components))])
}

fn asked() -> Value {
    json!({
        "startTime": "2030-06-23T10:00:00Z",
        "endTime": "2030-06-23T10:30:00Z",
        "pools": [{"name": "all", "capacity": 40}],
    })
}

fn slot() -> Value {
    json!({
        "id": 1,
        "resourceId": 1,
        "startTime": "2030-06-23T10:00:00Z",
        "endTime": "2030-06-23T10:30:00Z",
        "status": "open",
        "pools": [
            {"id": 1, "name": "all", "kind": "counter", "capacity": 40, "available": 37, "held": 1, "confirmed": 2},
        ],
    })
}

fn seat() -> Value {
    json!({
        "label": "A-1", "section": "stalls", "row": "A", "number": 1, "priceCategory": null, "accessible": false,
        "status": "available", "poolId": 2,
    })
}
