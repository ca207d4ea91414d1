//! Health, and this description itself, described.

use serde_json::{Value, json};

use super::answers::{answer, file};
use super::codes::{NO_SUCH_PATH, NOT_READY, RATE_LIMITED};
use super::operation::{Operation, plain};
use super::parameters::part;
use super::schemas::{Shape, number, object, text, word};

const LIVE: Shape = |_| object(&[("status", word(&["live"]))]);
const DOCUMENT: Shape = |_| json!({"type": "object"});
const READY: Shape = |_| {
    let leader = json!({"type": ["integer", "null"], "format": "int64"});
    object(&[("status", word(&["ready"])), ("node", number()), ("leader", leader)])
};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        plain("/livez", "Whether this process lives").answers(answer(
            200,
            "It does.",
            LIVE,
            json!({"status": "live"}),
        )),
        plain("/readyz", "Whether this node serves")
            .about("It knows a leader and has lately served a read that is certain to be current.")
            .answers(answer(200, "It does.", READY, json!({"status": "ready", "node": 1, "leader": 1})))
            .refuses(&[NOT_READY]),
        document("/openapi.json"),
        document("/api-json"),
        plain("/api", "Swagger UI").answers(file("The page.", &["text/html"])).refuses(&[RATE_LIMITED]),
        plain("/api/ui/{file}", "A part of Swagger UI")
            .with(part("file", "Its name.", text(), json!("swagger-ui.css")))
            .answers(file("The part.", &["text/css", "text/javascript"]))
            .refuses(&[NO_SUCH_PATH, RATE_LIMITED]),
    ]
}

fn document(path: &'static str) -> Operation {
    let example: Value = json!({"openapi": "3.1.0"});
    plain(path, "This description")
        .answers(answer(200, "The description.", DOCUMENT, example))
        .refuses(&[RATE_LIMITED])
}
