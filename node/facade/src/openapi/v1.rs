//! The native API, described: one file per noun.

pub(super) mod apps;
pub(super) mod bookings;
pub(super) mod cluster;
pub(super) mod dead_letters;
pub(super) mod entrance;
pub(super) mod jobs;
pub(super) mod payments;
pub(super) mod policies;
pub(super) mod recipients;
pub(super) mod reports;
pub(super) mod resources;
pub(super) mod slots;
pub(super) mod users;
pub(super) mod venues;
pub(super) mod watch;
pub(super) mod webhooks;

use serde_json::{Value, json};

use super::schemas::{Shape, number, object, text, word};

/// A page with one item, the last.
fn page(item: Value) -> Value {
    json!({"items": [item], "next": null})
}

/// What is answered when something was taken off.
const WITHDRAWN: Shape = |_| object(&[("id", number()), ("status", word(&["withdrawn"]))]);

/// What is answered when something is done and there is nothing to show of it.
const SAID: Shape = |_| object(&[("id", number()), ("message", text())]);
