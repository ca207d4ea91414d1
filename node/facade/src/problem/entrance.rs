//! Refusals that speak of codes, scans and keys.

use holdfast_reservations::{Rejection, Timestamp, UserId};
use serde_json::json;

use super::Problem;
use crate::wire::instant;

/// The refusal in the words of the API.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whoever calls matches them all, and has words for the others"
)]
pub(super) fn rejected(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::AlreadyUsedAt { used_at, used_by, place } => already_used(*used_at, *used_by, Some(place)),
        Rejection::CodeStale { current } => {
            let detail = "this is not the code that counts: the booking has another one";
            Problem::new(409, "code_stale", detail).with("codeRevision", json!(current))
        }
        Rejection::CodeRevoked => {
            let detail = "the key that signed this code is revoked; ask for the booking's code again";
            Problem::new(409, "code_revoked", detail)
        }
        Rejection::NotUsed => Problem::new(
            409,
            "not_used",
            "the party is not in: there is nothing to take back, and a scan that was taken back lets nobody in again; scan anew",
        ),
        Rejection::NodeKeyRevoked(key) => {
            let detail = format!("this node signs with key {key}, which is revoked; ask another node");
            Problem::new(503, "key_revoked", detail)
        }
        Rejection::NodeKeyNotFound(key) => Problem::not_found("key_not_found", format!("key {key}")),
        other => {
            tracing::error!(?other, "a refusal without words");
            Problem::new(500, "internal", "the refusal has no words")
        }
    }
}

pub(super) fn already_used(used_at: Timestamp, used_by: UserId, place: Option<&str>) -> Problem {
    let at_place = place.map(|place| format!(", {place}")).unwrap_or_default();
    let detail = format!("the party was admitted at {} by user {}{at_place}", instant(used_at), used_by.0);
    let problem = Problem::new(409, "already_used", detail)
        .with("usedAt", json!(instant(used_at)))
        .with("usedBy", json!(used_by.0));
    match place {
        Some(place) => problem.with("usedPlace", json!(place)),
        None => problem,
    }
}
