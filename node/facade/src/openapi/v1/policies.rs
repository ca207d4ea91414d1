//! `/v1/policies`, described: its fields come from the table that the handler reads.

use serde_json::{Map, Value, json};

use crate::access::Endpoint;
use crate::http::v1::policies::{FIELDS, Known, Unit};
use crate::openapi::answers::{answer, read};
use crate::openapi::codes::{
    INVALID, POOL_NOT_FOUND, RESOURCE_NOT_FOUND, SCOPE_NOT_FOUND, SLOT_NOT_FOUND, VENUE_NOT_FOUND,
};
use crate::openapi::operation::{Operation, get, put};
use crate::openapi::parameters::part;
use crate::openapi::schemas::{Components, named, text};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    let of_scope = |operation: Operation| {
        operation.with(scope()).refuses(&[
            SCOPE_NOT_FOUND,
            VENUE_NOT_FOUND,
            RESOURCE_NOT_FOUND,
            SLOT_NOT_FOUND,
            POOL_NOT_FOUND,
        ])
    };
    vec![
        of_scope(get("/v1/policies/{scope}", "Show what is decided for a scope"))
            .about("Null is inherited: a pool from its slot, that from its resource, venue and cluster.")
            .by(Endpoint::ReadPolicy)
            .reads()
            .answers(read("The policy.", policy, example())),
        of_scope(put("/v1/policies/{scope}", "Decide something for a scope"))
            .about("What is given is set, what is not stays, and null inherits.")
            .by(Endpoint::SetPolicy)
            .keyed()
            .body(policy_change, json!({"maxPerUser": 4, "holdSeconds": 300, "admissionPerSecond": null}))
            .answers(answer(200, "The policy as it is now.", policy, example()))
            .refuses(&[INVALID]),
    ]
}

fn scope() -> Value {
    let pattern = "^(cluster|(venue|resource|slot|pool)/[0-9]{1,19})$";
    let about = "`cluster`, `venue/ID`, `resource/ID`, `slot/ID` or `pool/ID`.";
    part("scope", about, json!({"type": "string", "pattern": pattern}), json!("cluster"))
}

fn policy_change(components: &mut Components) -> Value {
    let change = json!({"type": "object", "properties": fields(Case::Asked), "additionalProperties": false});
    components.schemas.insert("PolicyChange".to_owned(), change);
    named("PolicyChange")
}

fn policy(components: &mut Components) -> Value {
    let mut properties = fields(Case::Shown);
    properties["scope"] = text();
    components.schemas.insert(
        "Policy".to_owned(),
        json!({"type": "object", "properties": properties, "required": ["scope"]}),
    );
    named("Policy")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Asked,
    Shown,
}

/// Every field where it stands; a dot in its name leads into an object.
fn fields(case: Case) -> Value {
    let mut properties = json!({});
    for known in &FIELDS {
        let mut parts = known.name.split('.').peekable();
        let mut inner = &mut properties;
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                inner[part] = field(known);
            } else {
                let object = &mut inner[part];
                if object.is_null() {
                    *object = json!({"type": "object", "properties": Map::new()});
                    if case == Case::Asked {
                        object["additionalProperties"] = json!(false);
                    }
                }
                inner = &mut inner[part]["properties"];
            }
        }
    }
    properties
}

fn field(known: &Known) -> Value {
    let about = format!("For {}.", known.reach.name());
    match known.unit {
        Unit::Count { min, max } | Unit::Seconds { min, max } => {
            json!({"type": ["integer", "null"], "minimum": min, "maximum": max, "description": about})
        }
        Unit::Rate { max } => {
            json!({"type": ["number", "null"], "minimum": 0, "maximum": max, "description": about})
        }
        Unit::Flag => json!({"type": ["boolean", "null"], "description": about}),
    }
}

fn example() -> Value {
    json!({
        "scope": "pool/7", "maxPerUser": 4, "holdSeconds": 300, "admissionPerSecond": null, "noShowGraceSeconds": null,
        "reminderLeadSeconds": null, "checkInEarlySeconds": null, "checkInLateSeconds": null,
        "latePaymentSeconds": null,
    })
}
