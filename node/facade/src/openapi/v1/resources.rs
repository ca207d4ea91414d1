//! `/v1/resources` and `/v1/events`, described.

use serde_json::{Value, json};

use super::{WITHDRAWN, page};
use crate::access::Endpoint;
use crate::http::v1::resources::{ChangeBody, CreateBody, EventBody, ResourceBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{FORBIDDEN, HAS_SLOTS, INVALID, RESOURCE_NOT_FOUND, VENUE_NOT_FOUND};
use crate::openapi::operation::{Operation, delete, get, patch, post};
use crate::openapi::parameters::{id, query_id};
use crate::openapi::schemas::{of, page_of};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        post("/v1/resources", "Add a ride, an event or a course")
            .by(Endpoint::CreateResource)
            .keyed()
            .body(
                of::<CreateBody>,
                json!({"venueId": 1, "kind": "ride", "name": "Rollercoaster", "description": "Loops."}),
            )
            .answers(answer(201, "The resource.", of::<ResourceBody>, ride()))
            .refuses(&[INVALID, VENUE_NOT_FOUND]),
        get("/v1/resources", "List resources, newest first")
            .by(Endpoint::ReadCatalog)
            .with(query_id("venueId", "Only those of this venue."))
            .reads()
            .paged()
            .answers(read("A page of resources.", page_of::<ResourceBody>, page(ride()))),
        post("/v1/events", "Add an event of one's own")
            .about("Only its owner and operators may change it.")
            .by(Endpoint::ManageEvents)
            .keyed()
            .body(
                of::<EventBody>,
                json!({"name": "Jazz night", "description": "A trio.", "venue": "Old hall"}),
            )
            .answers(answer(201, "The event.", of::<ResourceBody>, event()))
            .refuses(&[INVALID]),
        get("/v1/resources/{id}", "Show a resource")
            .by(Endpoint::ReadCatalog)
            .with(id("id", "The resource."))
            .reads()
            .answers(read("The resource.", of::<ResourceBody>, ride()))
            .refuses(&[RESOURCE_NOT_FOUND]),
        patch("/v1/resources/{id}", "Rename a resource")
            .about("For its owner and operators.")
            .by(Endpoint::ManageEvents)
            .with(id("id", "The resource."))
            .keyed()
            .body(of::<ChangeBody>, json!({"name": "Jazz night", "description": "A quartet."}))
            .answers(answer(200, "The resource as it is now.", of::<ResourceBody>, event()))
            .refuses(&[INVALID, FORBIDDEN, RESOURCE_NOT_FOUND]),
        delete("/v1/resources/{id}", "Take a resource off that has no slots")
            .about("For its owner and operators.")
            .by(Endpoint::ManageEvents)
            .with(id("id", "The resource."))
            .keyed()
            .answers(answer(200, "It is off.", WITHDRAWN, json!({"id": 1, "status": "withdrawn"})))
            .refuses(&[FORBIDDEN, RESOURCE_NOT_FOUND, HAS_SLOTS]),
    ]
}

fn ride() -> Value {
    json!({
        "id": 1, "venueId": 1, "kind": "ride", "name": "Rollercoaster", "description": "Loops.", "ownerId": null,
        "status": "offered",
    })
}

fn event() -> Value {
    json!({
        "id": 2, "venueId": 3, "kind": "event", "name": "Jazz night", "description": "A quartet.", "ownerId": 7,
        "status": "offered",
    })
}
