//! The whole description, put together from its groups.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::schemas::{Components, flag, number, text};
use super::style::{Seed, Style};
use super::{accounts, health, parameters, rides, s1, s2, s3, v1};

/// Calls that belong together.
pub(super) struct Group {
    tag: &'static str,
    about: &'static str,
    style: Style,
    pub(super) operations: fn() -> Vec<Operation>,
}

const fn native(tag: &'static str, about: &'static str, operations: fn() -> Vec<Operation>) -> Group {
    Group { tag, about, style: Style::Problem, operations }
}

const fn seed(
    tag: &'static str,
    about: &'static str,
    seed: Seed,
    operations: fn() -> Vec<Operation>,
) -> Group {
    Group { tag, about, style: Style::Seed(seed), operations }
}

/// Every group, in reading order.
pub(super) const GROUPS: &[Group] = &[
    native("Accounts", "Sign up, log in, and the keys of tokens.", accounts::operations),
    native("Venues", "Where things take place.", v1::venues::operations),
    native("Resources", "What can be booked: rides, events, courses.", v1::resources::operations),
    native("Slots", "When they can be booked, and what is left.", v1::slots::operations),
    native("Bookings", "Places that somebody has or holds.", v1::bookings::operations),
    native("Entrance", "How parties come in.", v1::entrance::operations),
    native("Payments", "How holds are paid.", v1::payments::operations),
    native("Jobs", "Bookings that wait for their turn.", v1::jobs::operations),
    native("Reports", "How full slots were, who came, and what became of holds.", v1::reports::operations),
    native("Watch", "What happens, as it happens.", v1::watch::operations),
    native("Policies", "What operators decide.", v1::policies::operations),
    native("Users", "Who there is.", v1::users::operations),
    native("Apps", "Servers that book for guests.", v1::apps::operations),
    native("Notifications", "Whom to tell of his bookings, and how.", v1::recipients::operations),
    native("Webhooks", "Servers that hear of events.", v1::webhooks::operations),
    native("Dead letters", "What could not be sent.", v1::dead_letters::operations),
    native("Cluster", "The nodes.", v1::cluster::operations),
    native("S0 FastPass", "Seed S0: rides of a park.", rides::operations),
    seed("S1 Fast Pass", "Seed S1: events, performances, reservations.", s1::STYLE, s1::operations),
    seed(
        "S2 Online reservations",
        "Seed S2: seats that are held and bought by jobs.",
        s2::STYLE,
        s2::operations,
    ),
    seed(
        "S3 Swift ticketing",
        "Seed S3: tickets of events; `uid` says who calls.",
        s3::STYLE,
        s3::operations,
    ),
    native("Health", "Whether a node lives and serves, and this description.", health::operations),
];

/// The description as it is served.
pub(super) static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    // `{:#}` is JSON with one member a line.
    format!("{:#}\n", document())
});

fn document() -> Value {
    let mut components = Components::default();
    components.schemas.insert("Problem".to_owned(), problem());
    let mut paths: Map<String, Value> = Map::new();
    for group in GROUPS {
        for operation in (group.operations)() {
            let described = operation.to_json(group.tag, &group.style, &mut components);
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method] = described;
        }
    }
    let tags: Vec<Value> =
        GROUPS.iter().map(|group| json!({"name": group.tag, "description": group.about})).collect();
    let Components { schemas, responses, examples } = components;
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Any node: every node serves every path."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "examples": examples,
            "parameters": parameters::shared(),
            "headers": headers(),
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer",
                "description": "An access token of `/auth/login`, or the secret of an app.",
            }},
        },
    })
}

const ABOUT: &str = "A replicated store of reservations. Ids are numbers, or the same digits in a string; moments are \
    RFC 3339. A call that may change something takes an `Idempotency-Key`: after 500 and 504 the same call with the \
    same key says what became of it. Problems are RFC 9457 with a stable `code`; a method that a path does not take is \
    405 `no_such_method`.";

fn headers() -> Value {
    let header = |about: &str, schema: Value| json!({"description": about, "schema": schema});
    json!({
        "Holdfast-Index": header("The log index that the answer reflects.", number()),
        "Holdfast-Request-Id": header("The name of the call: its idempotency key, or one that was made for it.", text()),
        "Holdfast-Age-Ms": header("How old what was read may be; 0 when it is certain to be current.", number()),
        "ETag": header("The version, for `If-Match`.", text()),
        "Location": header("The path of what was made.", text()),
        "Retry-After": header("When to come back, in seconds.", number()),
        "WWW-Authenticate": header("How to sign in.", text()),
    })
}

/// A problem (RFC 9457). More of its members say what a program can use.
fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Why nothing was done (RFC 9457). Further members depend on the code.",
        "required": ["type", "title", "status", "code", "detail", "retryable"],
        "properties": {
            "type": {"type": "string", "description": "`urn:holdfast:problem:` and the code."},
            "title": text(),
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "Stable, for programs."},
            "detail": {"type": "string", "description": "For people: what happened and what to do."},
            "retryable": flag(),
            "revision": {"type": "string", "description": "Where the refusal stands in the log: INDEX-ORDINAL."},
            "available": {"type": "integer", "description": "With slot_full: places that are left."},
            "alternatives": {"type": "array", "items": number(), "description": "With slot_full: slots that have room."},
            "version": {"type": "integer", "description": "With version: what it is."},
            "seat": {"type": "string", "description": "With seat_taken: its label."},
            "firstIndex": {"type": "integer", "description": "With revision_gone: the first entry whose events are kept."},
            "lastIndex": {"type": "integer", "description": "With revision_unknown: the last entry there is."},
            "jobId": {"type": "integer", "description": "With outcome_unknown: the job that waits for its turn."},
        },
    })
}
