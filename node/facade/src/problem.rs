//! Why a call came to nothing, in the words of RFC 9457: one catalogue for HTTP and gRPC.

mod entrance;
mod places;
#[cfg(test)]
mod tests;

use holdfast_raft::{ChangeError, ProposeError, ReadError, RefusalCode};
use holdfast_reservations::{
    Contradiction, DEVICES_MAX, Outcome, Rejection, Revision, SECRETS_MAX, SlotFull, Timestamp,
};
use serde_json::{Map, Value, json};

use crate::wire::instant;

/// After how many seconds a caller who was turned away should come back.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs.
    pub code: &'static str,
    /// For people: what happened and what to do.
    pub detail: String,
    /// Where the refusal stands in the log, if it does.
    pub revision: Option<Revision>,
    /// What else a program can use.
    pub extra: Map<String, Value>,
    /// When to come back, in seconds, if it is not at once.
    pub wait_seconds: Option<u32>,
}

/// What a command came to, or why it came to nothing.
pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// A problem without details for programs.
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), revision: None, extra: Map::new(), wait_seconds: None }
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// Whether the same call may succeed later. After 504 and 500, only under the same key.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 503 | 504)
    }

    /// When to come back, in seconds.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        let wait_seconds = self.wait_seconds.unwrap_or(RETRY_AFTER_SECONDS);
        matches!(self.status, 429 | 503).then_some(wait_seconds)
    }

    /// The body of a problem+json answer.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(format!("urn:holdfast:problem:{}", self.code)));
        body.insert("title".to_owned(), json!(title(self.status)));
        body.insert("status".to_owned(), json!(self.status));
        body.insert("code".to_owned(), json!(self.code));
        body.insert("detail".to_owned(), json!(self.detail));
        body.insert("retryable".to_owned(), json!(self.is_retryable()));
        if let Some(revision) = self.revision {
            body.insert("revision".to_owned(), json!(revision.to_string()));
        }
        body.extend(self.extra.clone());
        Value::Object(body)
    }

    /// Malformed input: it is not what the call takes.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed", detail)
    }

    /// Well-formed input that makes no sense.
    pub fn senseless(detail: impl Into<String>) -> Self {
        Self::new(422, "invalid", detail)
    }

    /// Nobody is signed in, or not any more.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(401, "unauthenticated", detail)
    }

    /// The caller's role is another.
    pub fn forbidden() -> Self {
        Self::new(403, "forbidden", "your role does not allow this call")
    }

    /// This node has more to do than it takes on; nothing was done.
    pub fn overloaded(detail: impl Into<String>) -> Self {
        Self::new(503, "overloaded", detail)
    }

    /// There is no such thing for this caller.
    pub fn not_found(code: &'static str, what: impl std::fmt::Display) -> Self {
        Self::new(404, code, format!("there is no {what}, or it is not yours"))
    }
}

/// The success in an outcome, or its refusal as a problem.
pub fn success(outcome: Outcome, revision: Revision) -> Result<Outcome> {
    match outcome {
        Outcome::Rejected(rejection) => Err(Problem { revision: Some(revision), ..rejected(&rejection) }),
        Outcome::Contradicted(contradiction) => Err(contradicted(&contradiction, revision)),
        Outcome::Venue(..)
        | Outcome::Resource(..)
        | Outcome::Slots(_)
        | Outcome::User(..)
        | Outcome::Session { .. }
        | Outcome::SessionsClosed(_)
        | Outcome::Booking(..)
        | Outcome::Ticked { .. }
        | Outcome::NodeKeyRegistered
        | Outcome::Account(..)
        | Outcome::App(..)
        | Outcome::AppDeleted(_)
        | Outcome::NodeKeysRetired(_)
        | Outcome::Policy(..)
        | Outcome::Job(..)
        | Outcome::ResourceWithdrawn(_)
        | Outcome::SlotWithdrawn(_)
        | Outcome::EditionAdopted(_)
        | Outcome::SlotDay(..)
        | Outcome::Code(..)
        | Outcome::NodeKeyRevoked(..)
        | Outcome::Device(..)
        | Outcome::DeviceRemoved(..)
        | Outcome::Preferences(..)
        | Outcome::Webhook(..)
        | Outcome::WebhookRemoved(_)
        | Outcome::DeliveriesSettled(_)
        | Outcome::DeadLettersReplayed { .. } => Ok(outcome),
    }
}

/// An outcome that this call's command cannot have: a mistake of ours.
pub fn unexpected(outcome: &Outcome) -> Problem {
    tracing::error!(?outcome, "an outcome of another command");
    Problem::new(500, "internal", "the outcome is not one of this call")
}

/// A refusal of the rules in the words of the API.
pub fn rejected(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::Unauthenticated => Problem::unauthenticated("the token was revoked; log in again"),
        Rejection::Forbidden => Problem::forbidden(),
        Rejection::KeyReused => Problem::new(
            422,
            "key_reused",
            "this idempotency key was used for another call; a new call needs a new key",
        ),
        Rejection::KeyExpired => Problem::new(
            409,
            "key_expired",
            "this idempotency key is so old that nobody knows whether it had an effect; look, then use a new key",
        ),
        Rejection::KeyAhead => Problem::new(
            503,
            "key_ahead",
            "this idempotency key names a moment to come: your clock is ahead, or the cluster has not caught up with \
             the time yet; nothing was done",
        ),
        Rejection::TooManyKeys => Problem::new(
            429,
            "too_many_keys",
            "all idempotency keys of this user are used up for now; wait, or call without a key",
        ),
        Rejection::VenueNotFound(id) => Problem::not_found("venue_not_found", id),
        Rejection::ResourceNotFound(id) => Problem::not_found("resource_not_found", id),
        Rejection::SlotNotFound(Some(id)) => Problem::not_found("slot_not_found", id),
        Rejection::SlotNotFound(None) => Problem::not_found("slot_not_found", "slot with this window"),
        Rejection::PoolNotFound(id) => Problem::not_found("pool_not_found", format!("{id} in this slot")),
        Rejection::BookingNotFound(id) => Problem::not_found("booking_not_found", id),
        Rejection::UserNotFound(id) => Problem::not_found("user_not_found", id),
        Rejection::EmailTaken => Problem::new(409, "email_taken", "somebody has signed up with this address"),
        Rejection::SessionInvalid => Problem::new(
            401,
            "session_invalid",
            "this refresh token has expired, was used before, or was revoked; log in again",
        ),
        Rejection::SlotFull(full) => slot_full(full),
        Rejection::VersionMismatch { current } => {
            let detail = format!("the booking has changed; its version is {current}");
            Problem::new(412, "version", detail).with("version", json!(current))
        }
        Rejection::AlreadyCancelled => Problem::new(409, "already_cancelled", "the booking was cancelled"),
        Rejection::AlreadyUsed { used_at, used_by } => entrance::already_used(*used_at, *used_by, None),
        Rejection::TooEarly { opens_at } => {
            moment(409, "too_early", "parties are admitted from", "opensAt", *opens_at)
        }
        Rejection::TooLate { ended_at } => moment(409, "too_late", "the slot ended at", "endedAt", *ended_at),
        Rejection::LastOperator => Problem::new(
            409,
            "last_operator",
            "nobody would be left to operate the cluster; make another operator first",
        ),
        Rejection::Banned | Rejection::Suspended => {
            Problem::new(401, "banned", "this account is banned; an operator can lift the ban")
        }
        Rejection::UserIsApp(id) => {
            let detail =
                format!("{id} is an app: its role is fixed, and it has secrets instead of a password");
            Problem::new(409, "user_is_app", detail)
        }
        Rejection::AppNotFound(id) => Problem::not_found("app_not_found", format!("app {}", id.0)),
        Rejection::SecretNotFound(number) => {
            Problem::not_found("secret_not_found", format!("secret {number} of this app"))
        }
        Rejection::TooManySecrets => {
            let detail = format!("an app has at most {SECRETS_MAX} secrets; revoke one first");
            Problem::new(409, "too_many_secrets", detail)
        }
        Rejection::TooManyApps => {
            Problem::new(409, "too_many_apps", "there are as many apps as there may be; delete one first")
        }
        Rejection::NoPassword => Problem::new(
            409,
            "no_password",
            "an operator must be able to log in, and this user has no password; give him one first",
        ),
        Rejection::HoldExpired { .. }
        | Rejection::NotHeld
        | Rejection::NotConfirmed
        | Rejection::NotSoMany { .. }
        | Rejection::SeatNotFound(_)
        | Rejection::SeatTaken(_)
        | Rejection::NoSeats(_)
        | Rejection::NoSuchSeatsLeft
        | Rejection::LimitReached { .. }
        | Rejection::PaymentMismatch
        | Rejection::PaymentReferenceTaken
        | Rejection::PaymentNotFound(_)
        | Rejection::PlacesGone
        | Rejection::QueueFull
        | Rejection::HasSlots
        | Rejection::HasBookings
        | Rejection::TooManyPools
        | Rejection::TooManySeats
        | Rejection::WaitingRoom(_)
        | Rejection::NoShow { .. }
        | Rejection::NothingToDecide(_)
        | Rejection::NothingAsked => places::rejected(rejection),
        Rejection::AlreadyUsedAt { .. }
        | Rejection::CodeStale { .. }
        | Rejection::CodeRevoked
        | Rejection::NotUsed
        | Rejection::NodeKeyRevoked(_)
        | Rejection::NodeKeyNotFound(_) => entrance::rejected(rejection),
        Rejection::TooManyDevices => {
            let detail = format!("a user has at most {DEVICES_MAX} devices; remove one first");
            Problem::new(409, "too_many_devices", detail)
        }
        Rejection::DeviceNotFound(number) => {
            Problem::not_found("device_not_found", format!("device {number} of this user"))
        }
        Rejection::TooManyWebhooks => Problem::new(
            409,
            "too_many_webhooks",
            "there are as many webhooks as there may be; remove one first",
        ),
        Rejection::WebhookNotFound(id) => {
            Problem::not_found("webhook_not_found", format!("webhook {}", id.0))
        }
    }
}

pub(super) fn moment(status: u16, code: &'static str, says: &str, name: &str, at: Timestamp) -> Problem {
    Problem::new(status, code, format!("{says} {}", instant(at))).with(name, json!(instant(at)))
}

fn slot_full(full: &SlotFull) -> Problem {
    let detail = match (full.available, full.alternatives.as_slice()) {
        (0, []) => "the slot is sold out".to_owned(),
        (1, []) => "only 1 place is left".to_owned(),
        (left, []) => format!("only {left} places are left"),
        (0, _) => "the slot is sold out; the alternatives have room".to_owned(),
        (1, _) => "only 1 place is left; the alternatives have room".to_owned(),
        (left, _) => format!("only {left} places are left; the alternatives have room"),
    };
    let alternatives: Vec<u64> = full.alternatives.iter().map(|slot| slot.0).collect();
    let problem = Problem::new(409, "slot_full", detail)
        .with("available", json!(full.available))
        .with("alternatives", json!(alternatives));
    match full.sold_out_at {
        Some(at) => problem.with("soldOutAt", json!(instant(at))),
        None => problem,
    }
}

fn contradicted(contradiction: &Contradiction, revision: Revision) -> Problem {
    tracing::error!(%contradiction, %revision, "a command contradicted an invariant and was dropped");
    let detail = "the command would have broken an invariant and was dropped; please report it";
    Problem { revision: Some(revision), ..Problem::new(500, "contradiction", detail) }
}

impl From<ProposeError> for Problem {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::NoLeader | ProposeError::NotLeader => {
                Self::new(503, "no_quorum", "no majority of the nodes can be reached; nothing was done")
            }
            ProposeError::Overloaded => Self::overloaded("too much is waiting; nothing was done"),
            ProposeError::OutcomeUnknown => Self::new(
                504,
                "outcome_unknown",
                "nobody knows yet whether this took effect; retry with the same idempotency key to find out",
            ),
            ProposeError::Malformed => Self::new(500, "internal", "the request cannot be proposed"),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable => {
                Self::new(503, "no_quorum", "no majority confirmed that this answer would be current")
            }
            ReadError::Overloaded => Self::overloaded("too many reads are waiting"),
            ReadError::TooStale { age_ms } => {
                let detail = format!("the state of this node is {age_ms} ms old");
                Self::new(503, "too_stale", detail).with("ageMs", json!(age_ms))
            }
            ReadError::Broken => Self::new(500, "internal", "the rows of this node cannot be read"),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Refused { code, says } => Self::new(status_of(code), code.as_str(), says),
            ChangeError::Unavailable(says) => Self::new(503, "no_quorum", says),
            ChangeError::Unknown => Self::new(
                504,
                "outcome_unknown",
                "nobody knows yet whether this was begun; ask for the same again, which changes nothing that is done",
            ),
        }
    }
}

fn status_of(code: RefusalCode) -> u16 {
    match code {
        RefusalCode::UnknownNode => 404,
        RefusalCode::TooSoon => 429,
        RefusalCode::WouldLoseQuorum
        | RefusalCode::LastVoter
        | RefusalCode::VotersFull
        | RefusalCode::Lags
        | RefusalCode::Silent
        | RefusalCode::NotAVoter
        | RefusalCode::AlreadyLeads
        | RefusalCode::Leaves
        | RefusalCode::NoSuccessor
        | RefusalCode::CannotReplace
        | RefusalCode::UnderWay
        | RefusalCode::TransferFailed => 409,
    }
}

fn title(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Problem")
}
