//! Parameters of calls: those that many take, described once, and those of a few.

use serde_json::{Value, json};

use super::schemas::number;

/// Parameters that many calls take, by name.
pub(super) fn shared() -> Value {
    json!({
        "IdempotencyKey": header(
            "Idempotency-Key",
            "Names the call: made again with the same key, it takes effect once and gets the first answer. \
             `X-Idempotency-Key` says the same.",
            json!({"type": "string", "pattern": "^[!-~]{1,255}$"}),
        ),
        "IfMatch": header(
            "If-Match",
            "The version of the booking that is to be changed, in quotes; `*` for any.",
            json!({"type": "string", "pattern": "^(\\*|(W/)?\"?[0-9]{1,9}\"?)$", "examples": ["\"1\"", "*"]}),
        ),
        "Prefer": header(
            "Prefer",
            "RFC 7240: `respond-async` for a job instead of an answer, `wait=SECONDS` to wait for the job's end.",
            json!({"type": "string", "examples": ["respond-async", "wait=2"]}),
        ),
        "TimeoutMs": header(
            "Holdfast-Timeout-Ms",
            "How long the call may take: 5,000 unless given, 10,000 at most.",
            json!({"type": "integer", "minimum": 1, "maximum": i64::MAX}),
        ),
        "Consistency": query(
            "consistency",
            "`stale` is answered at once with what this node knows, whether or not it is current.",
            json!({"type": "string", "enum": ["linearizable", "stale"], "default": "linearizable"}),
        ),
        "MaxStaleness": query(
            "max_staleness",
            "With `consistency=stale`: how old the answer may be, in milliseconds.",
            number(),
        ),
        "Limit": query(
            "limit",
            "Items of a page.",
            json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        ),
        "After": query_id("after", "`next` of the page before."),
        "Wait": query("wait", "How many seconds to wait for the end of the job; ten at most.", seconds()),
    })
}

/// A variable part of the path that is an id.
pub(super) fn id(name: &str, about: &str) -> Value {
    part(name, about, number(), json!(1))
}

/// Any other variable part of the path.
pub(super) fn part(name: &str, about: &str, schema: Value, example: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "description": about, "schema": schema, "example": example})
}

pub(super) fn query(name: &str, about: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "description": about, "schema": schema})
}

/// An id; left empty it says nothing.
pub(super) fn query_id(name: &str, about: &str) -> Value {
    let mut parameter = query(name, about, number());
    parameter["allowEmptyValue"] = json!(true);
    parameter
}

pub(super) fn header(name: &str, about: &str, schema: Value) -> Value {
    json!({"name": name, "in": "header", "description": about, "schema": schema})
}

pub(super) fn required_header(name: &str, about: &str) -> Value {
    json!({"name": name, "in": "header", "required": true, "description": about, "schema": {"type": "string"}})
}

/// Who calls seed S3.
pub(super) fn uid() -> Value {
    let schema = json!({"type": "string", "pattern": "^[!-:<-?A-~]{0,64}$"});
    json!({"name": "uid", "in": "cookie", "description": "Who calls, where callers are believed; empty for nobody.", "schema": schema})
}

pub(super) fn required_query(name: &str, about: &str, schema: Value, example: Value) -> Value {
    json!({"name": name, "in": "query", "required": true, "description": about, "schema": schema, "example": example})
}

fn seconds() -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": i64::MAX})
}

fn shared_one(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

pub(super) fn key() -> Value {
    shared_one("IdempotencyKey")
}

pub(super) fn if_match() -> Value {
    shared_one("IfMatch")
}

pub(super) fn prefer() -> Value {
    shared_one("Prefer")
}

pub(super) fn wait() -> Value {
    shared_one("Wait")
}

pub(super) fn timeout() -> Value {
    shared_one("TimeoutMs")
}

pub(super) fn freshness() -> [Value; 2] {
    ["Consistency", "MaxStaleness"].map(shared_one)
}

pub(super) fn page() -> [Value; 2] {
    ["Limit", "After"].map(shared_one)
}
