//! `/v1/devices` and `/v1/preferences`, described.

use serde_json::{Value, json};

use super::page;
use crate::access::Endpoint;
use crate::http::v1::devices::{AddBody, DeviceBody};
use crate::http::v1::preferences::{PreferencesBody, SetBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{
    DEVICE_NOT_FOUND, EDITION_TOO_OLD, FORBIDDEN, INVALID, TOO_MANY_DEVICES, USER_NOT_FOUND,
};
use crate::openapi::operation::{Operation, delete, get, post, put};
use crate::openapi::parameters::{id, query_id};
use crate::openapi::schemas::{Shape, number, object, of, page_of, text};

const REMOVED: Shape = |_| object(&[("id", number()), ("userId", number()), ("message", text())]);

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        about_somebody(post("/v1/devices", "Add a device"))
            .about("Whoever had the device has it no more: it is in one hand at a time. One that the user has keeps its id.")
            .keyed()
            .body(of::<AddBody>, json!({"platform": "fcm", "token": "dQw4:APA91b...", "language": "de"}))
            .answers(answer(201, "The device.", of::<DeviceBody>, device()))
            .refuses(&[INVALID, TOO_MANY_DEVICES, EDITION_TOO_OLD]),
        about_somebody(get("/v1/devices", "List a user's devices, newest first"))
            .with(whose())
            .reads()
            .paged()
            .answers(read("A page of devices.", page_of::<DeviceBody>, page(device()))),
        about_somebody(delete("/v1/devices/{id}", "Remove a device"))
            .with(id("id", "Its number among the user's."))
            .with(whose())
            .keyed()
            .answers(answer(200, "Nothing more is sent to it.", REMOVED, removed()))
            .refuses(&[DEVICE_NOT_FOUND, EDITION_TOO_OLD]),
        about_somebody(get("/v1/preferences", "Show what a user wants to be told"))
            .with(whose())
            .reads()
            .answers(read("What he prefers.", of::<PreferencesBody>, preferences())),
        about_somebody(put("/v1/preferences", "Say what a user wants to be told"))
            .about("All of it: what is left out, or null, is as for somebody who has said nothing. It counts for events from now on.")
            .with(whose())
            .keyed()
            .body(of::<SetBody>, json!({"language": "de", "email": true, "kinds": ["booking.*"]}))
            .answers(answer(200, "What he prefers now.", of::<PreferencesBody>, preferences()))
            .refuses(&[INVALID, EDITION_TOO_OLD]),
    ]
}

fn about_somebody(operation: Operation) -> Operation {
    operation
        .about("The caller's own; staff and operators name anybody, an app guests.")
        .by(Endpoint::ManageDevices)
        .refuses(&[FORBIDDEN, USER_NOT_FOUND])
}

fn whose() -> Value {
    query_id("userId", "Whose; the caller's unless given.")
}

fn device() -> Value {
    json!({"id": 1, "userId": 7, "platform": "fcm", "language": "de", "addedAt": "2030-06-01T12:00:00Z"})
}

fn removed() -> Value {
    json!({"id": 1, "userId": 7, "message": "removed"})
}

fn preferences() -> Value {
    json!({"userId": 7, "language": "de", "push": true, "email": true, "kinds": ["booking.*"]})
}
