//! `/v1/apps`, described.

use serde_json::{Value, json};

use super::{SAID, page};
use crate::access::Endpoint;
use crate::http::v1::apps::{AppBody, CreateBody, MadeBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{APP_NOT_FOUND, INVALID, SECRET_NOT_FOUND, TOO_MANY_APPS, TOO_MANY_SECRETS};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::parameters::id;
use crate::openapi::schemas::{Shape, number, object, of, page_of, text};

const REVOKED: Shape = |_| object(&[("id", number()), ("secretId", number()), ("message", text())]);

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    let by_operators = |operation: Operation| operation.by(Endpoint::ManageApps);
    let of_app =
        |operation: Operation| by_operators(operation).with(id("id", "The app.")).refuses(&[APP_NOT_FOUND]);
    vec![
        by_operators(post("/v1/apps", "Add an app: a server that books for guests"))
            .about("The secret is shown this once.")
            .keyed()
            .body(of::<CreateBody>, json!({"name": "Box office"}))
            .answers(answer(201, "The app's first secret.", of::<MadeBody>, made()))
            .refuses(&[INVALID, TOO_MANY_APPS]),
        by_operators(get("/v1/apps", "List apps, newest first")).reads().paged().answers(read(
            "A page of apps.",
            page_of::<AppBody>,
            page(app()),
        )),
        of_app(get("/v1/apps/{id}", "Show an app")).reads().answers(read("The app.", of::<AppBody>, app())),
        of_app(delete("/v1/apps/{id}", "Delete an app; its secrets let nobody in any more"))
            .keyed()
            .answers(answer(200, "It is gone.", SAID, json!({"id": 9, "message": "deleted"}))),
        of_app(post("/v1/apps/{id}/secrets", "Add a secret of an app"))
            .about("The secret is shown this once.")
            .keyed()
            .answers(answer(201, "The new secret.", of::<MadeBody>, made()))
            .refuses(&[TOO_MANY_SECRETS]),
        of_app(delete("/v1/apps/{id}/secrets/{number}", "Revoke a secret of an app"))
            .with(id("number", "The secret."))
            .keyed()
            .answers(answer(200, "It lets nobody in any more.", REVOKED, revoked()))
            .refuses(&[SECRET_NOT_FOUND]),
    ]
}

fn made() -> Value {
    json!({"id": 9, "userId": 9, "secretId": 1, "secret": "hfa_9_1_..."})
}

fn revoked() -> Value {
    json!({"id": 9, "secretId": 1, "message": "revoked"})
}

fn app() -> Value {
    json!({
        "id": 9, "userId": 9, "name": "Box office", "createdAt": "2030-06-01T12:00:00Z", "createdBy": 1,
        "secrets": [{"id": 1, "createdAt": "2030-06-01T12:00:00Z"}],
    })
}
