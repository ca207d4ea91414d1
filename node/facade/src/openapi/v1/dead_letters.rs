//! `/v1/dead-letters`, described.

use serde_json::{Value, json};

use super::page;
use crate::access::Endpoint;
use crate::http::v1::dead_letters::{LetterBody, ReplayBody, ReplayedBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{EDITION_TOO_OLD, INVALID};
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::parameters::query_id;
use crate::openapi::schemas::{Components, exactly_one, of, page_of};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        get("/v1/dead-letters", "List what could not be sent, newest first")
            .about("Kept for thirty days, 100,000 of them at most.")
            .by(Endpoint::ManageDeadLetters)
            .with(query_id("webhookId", "Only those of this webhook."))
            .reads()
            .paged()
            .answers(read("A page of dead letters.", page_of::<LetterBody>, page(letter()))),
        post("/v1/dead-letters/replay", "Have dead letters sent again")
            .about("As if for the first time, and under the ids they had. Those that have nowhere to go stay.")
            .about("One call looks at a thousand, oldest first; while `next` is not null, call again with it as `after`, under another key.")
            .by(Endpoint::ManageDeadLetters)
            .keyed()
            .body(replay, json!({"all": true}))
            .answers(answer(200, "How many are.", of::<ReplayedBody>, json!({"replayed": 12, "next": null})))
            .refuses(&[INVALID, EDITION_TOO_OLD]),
    ]
}

/// Which of them is said in one of three ways.
fn replay(components: &mut Components) -> Value {
    let shape = of::<ReplayBody>(components);
    exactly_one("Replay", &[("ids", "array"), ("webhookId", "integer"), ("all", "boolean")], components);
    shape
}

fn letter() -> Value {
    json!({
        "id": 1, "channel": "webhook", "webhookId": 1, "deviceId": null, "userId": 7, "revision": "120-3",
        "kind": "booking.confirmed", "bookingId": 77, "slotId": 12, "occurredAt": "2030-06-01T12:00:00Z", "attempts": 30,
        "error": "503", "diedAt": "2030-06-02T12:00:00Z", "forgottenAt": "2030-07-02T12:00:00Z",
    })
}
