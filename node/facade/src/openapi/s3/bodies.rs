//! Bodies of seed S3, which are read field by field so that all that is wrong is told at once, and examples.

use serde_json::{Value, json};

use crate::openapi::schemas::digits;

fn name() -> Value {
    // Not blank.
    json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S"})
}

fn description() -> Value {
    json!({"type": ["string", "null"], "maxLength": 2000})
}

pub(super) fn new_event() -> Value {
    let date = json!({"type": "string", "format": "date", "description": "From 1970 on."});
    json!({
        "type": "object",
        "required": ["name", "date", "venue"],
        "properties": {"name": name(), "description": description(), "date": date, "venue": name()},
    })
}

/// General tickets are numbered, Named ones have the names of their seats.
pub(super) fn new_type() -> Value {
    let quantity = json!({"type": "integer", "minimum": 1, "maximum": 100_000});
    let seat = json!({
        "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 64}},
    });
    let seats = json!({
        "type": "array", "items": seat, "minItems": 1, "maxItems": 100_000, "description": "Each name once.",
    });
    let kind = |word: &str, member: &str, schema: Value| {
        json!({
            "type": "object",
            "required": ["ticket_type", "seat_type", "price", member],
            "properties": {
                "ticket_type": name(),
                "seat_type": {"type": "string", "enum": [word]},
                "description": description(),
                "price": price(),
                "reservation_limit_in_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 86_400},
                member: schema,
            },
        })
    };
    json!({"oneOf": [kind("General", "quantity", quantity), kind("Named", "seats", seats)]})
}

fn price() -> Value {
    json!({
        "type": "number", "minimum": 0.01, "maximum": 1_000_000_000,
        "description": "With at most two decimals.",
    })
}

/// Certain tickets of one type, or so many of a type.
pub(super) fn wish() -> Value {
    let id = json!({"oneOf": [{"type": "integer", "minimum": 0, "maximum": i64::MAX}, digits()]});
    let tickets = json!({
        "type": "object",
        "required": ["ticket_ids"],
        "properties": {"ticket_ids": {"type": "array", "items": id, "minItems": 1, "maxItems": 500}},
        "not": {"anyOf": [{"required": ["ticket_type_id"]}, {"required": ["quantity"]}]},
    });
    let quantity = json!({
        "type": "object",
        "required": ["ticket_type_id", "quantity"],
        "properties": {"ticket_type_id": id, "quantity": {"type": "integer", "minimum": 0, "maximum": i64::MAX}},
        "not": {"required": ["ticket_ids"]},
    });
    json!({"oneOf": [tickets, quantity]})
}

pub(super) fn event() -> Value {
    json!({"event_id": "7", "name": "Concert", "description": "Loud.", "date": "2030-05-01", "venue": "Hall"})
}

/// An event and one type of its tickets.
pub(super) fn event_row() -> Value {
    json!({
        "event_id": "7", "name": "Concert", "description": "Loud.", "date": "2030-05-01", "venue": "Hall",
        "ticket_type_id": "4", "ticket_type": "Pit", "ticket_type_description": "", "seat_type": "General",
        "quantity": 100, "available": 97, "reserved": 1, "booked": 2, "price": 20.5,
        "reservation_limit_in_seconds": null,
    })
}

pub(super) fn ticket() -> Value {
    json!({"ticket_id": "524288", "name": "1", "ticket_type_id": "4", "ticket_status": "Reserved"})
}
