//! `/v1/webhooks`, described.

use serde_json::{Value, json};

use super::{SAID, page};
use crate::access::Endpoint;
use crate::http::v1::webhooks::{AddBody, LoggedBody, WebhookBody};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{EDITION_TOO_OLD, INVALID, TOO_MANY_WEBHOOKS, WEBHOOK_NOT_FOUND};
use crate::openapi::operation::{Operation, delete, get, post};
use crate::openapi::parameters::id;
use crate::openapi::schemas::{of, page_of};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    let managing = |operation: Operation| operation.by(Endpoint::ManageWebhooks);
    let of_webhook = |operation: Operation| {
        managing(operation).with(id("id", "The webhook.")).refuses(&[WEBHOOK_NOT_FOUND])
    };
    let asked = json!({"url": "https://hooks.example.com/holdfast", "kinds": ["booking.*"]});
    vec![
        managing(post("/v1/webhooks", "Add a webhook"))
            .about("An operator's hears of everything, an app's of the bookings that the app manages.")
            .about("The secret is shown this once; a retry under the same key shows the same one.")
            .keyed()
            .body(of::<AddBody>, asked)
            .answers(answer(201, "The webhook with its secret.", of::<WebhookBody>, with_secret(webhook())))
            .refuses(&[INVALID, TOO_MANY_WEBHOOKS, EDITION_TOO_OLD]),
        managing(get("/v1/webhooks", "List webhooks, newest first"))
            .about("An app sees its own.")
            .reads()
            .paged()
            .answers(read("A page of webhooks.", page_of::<WebhookBody>, page(webhook()))),
        of_webhook(get("/v1/webhooks/{id}", "Show a webhook")).reads().answers(read(
            "The webhook.",
            of::<WebhookBody>,
            webhook(),
        )),
        of_webhook(delete("/v1/webhooks/{id}", "Remove a webhook; what waits for it is dropped"))
            .keyed()
            .answers(answer(200, "It is gone.", SAID, json!({"id": 1, "message": "removed"})))
            .refuses(&[EDITION_TOO_OLD]),
        of_webhook(post("/v1/webhooks/{id}/enable", "Let a webhook hear of events again"))
            .about("From now on. What it has missed is among the dead letters.")
            .keyed()
            .answers(answer(200, "The webhook.", of::<WebhookBody>, webhook()))
            .refuses(&[EDITION_TOO_OLD]),
        of_webhook(post("/v1/webhooks/{id}/rotate-secret", "Give a webhook another secret"))
            .about("The one before signs beside it for 24 hours; one before that signs no more.")
            .about("The secret is shown this once; a retry under the same key shows the same one.")
            .keyed()
            .answers(answer(200, "The webhook with its new secret.", of::<WebhookBody>, rotated()))
            .refuses(&[EDITION_TOO_OLD]),
        of_webhook(get("/v1/webhooks/{id}/deliveries", "Show how the last deliveries ended, newest first"))
            .about("A hundred are kept. What waits, or is to be tried again, is not among them.")
            .reads()
            .paged()
            .answers(read("A page of deliveries.", page_of::<LoggedBody>, page(logged()))),
    ]
}

fn webhook() -> Value {
    json!({
        "id": 1, "url": "https://hooks.example.com/holdfast", "kinds": ["booking.*"], "reach": "everything", "userId": 1,
        "status": "enabled", "disabled": null, "createdAt": "2030-06-01T12:00:00Z", "formerSecretUntil": null,
    })
}

fn with_secret(mut webhook: Value) -> Value {
    webhook["secret"] = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=");
    webhook
}

fn rotated() -> Value {
    let mut webhook = with_secret(webhook());
    webhook["formerSecretUntil"] = json!("2030-06-02T12:00:00Z");
    webhook
}

fn logged() -> Value {
    json!({
        "id": 1, "revision": "120-3", "kind": "booking.confirmed", "ended": "delivered", "attempts": 1,
        "at": "2030-06-01T12:00:01Z", "httpStatus": 200, "error": null,
    })
}
