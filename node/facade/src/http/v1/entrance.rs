//! The entrance: codes and scans of bookings, what they remember, no-shows, and keys.

use axum::extract::State;
use holdfast_reservations::{
    BookingEvent, BookingId, ChangedBy, CheckIn, Command, DecideNoShows, Decision, HistoryEntry,
    NONCE_CHARS_MAX, NodeKeyId, PLACE_CHARS_MAX, REASON_CHARS_MAX, Scan, SlotId, UndoScan, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{ListBody, cut};
use crate::access::Endpoint;
use crate::accounts::keys::KeyId;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::{BookingCode, Service, Version};
use crate::wire::{NoShowsBody, booking_body, instant};

/// How a party comes in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CheckIn)]
pub(crate) struct CheckInBody {
    /// The code that was shown: it must be the one that counts.
    token: Option<String>,
    /// Names the scan: the same member of staff makes the same one again without harm.
    #[schema(min_length = 1, max_length = 64)]
    nonce: Option<String>,
    /// Where.
    #[schema(min_length = 1, max_length = 100)]
    place: Option<String>,
    /// Why the party is admitted although it is too early or too late.
    #[schema(min_length = 1, max_length = 200)]
    override_reason: Option<String>,
}

/// Why an admission is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UndoneCheckIn)]
pub(crate) struct UndoBody {
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// What becomes of parties that have not come.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NoShowDecision)]
pub(crate) struct DecisionBody {
    #[schema(schema_with = words::decision)]
    decision: String,
}

/// The code of a booking.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Code)]
pub(crate) struct CodeBody {
    /// What the image says.
    token: String,
    /// The image; `.svg` in place of `.png` is valid too.
    url: String,
    /// Until when the URL is valid.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// What a change made of a booking.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BookingVersion)]
pub(crate) struct VersionBody {
    version: u32,
    #[schema(schema_with = words::booking_change)]
    kind: &'static str,
    /// Names the change: INDEX-ORDINAL.
    revision: String,
    log_index: u64,
    #[schema(format = DateTime)]
    at: String,
    /// The id of who made it; null if it was the cluster itself.
    actor: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A booking whose codes do not count any more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevokedCode)]
pub(crate) struct RevokedCodeBody {
    booking_id: u64,
    /// Codes below this revision do not count; null if none does.
    code_revision: Option<u32>,
}

pub(crate) async fn code(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCode).await?;
    let code = service.code(asked, booking_id(&id)?, &call.context).await?;
    Reply::read(code, code_body)
}

pub(crate) async fn another_code(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ReadCode).await?;
    let code = service.another_code(caller, booking_id(&id)?, &call.context).await?;
    Reply::ok(&code_body(code))
}

pub(crate) async fn check_in(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CheckIn).await?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let CheckInBody { token, nonce, place, override_reason } = call.json_if_any()?;
    let nonce = nonce.map(|nonce| text_from("nonce", nonce, NONCE_CHARS_MAX)).transpose()?;
    let place = place.map(|place| text_from("place", place, PLACE_CHARS_MAX)).transpose()?;
    let reason = |reason| text_from("overrideReason", reason, REASON_CHARS_MAX);
    let override_reason = override_reason.map(reason).transpose()?;
    let code = match token {
        Some(token) => Some(service.codes().read(&token, booking, call.context.deadline).await?),
        None => None,
    };
    let says_more = code.is_some() || nonce.is_some() || place.is_some() || override_reason.is_some();
    let command = if says_more {
        let scanned_at = None;
        Command::Scan(Scan { booking, code, nonce, place, override_reason, scanned_at, expected_version })
    } else {
        Command::CheckIn(CheckIn { booking, expected_version, scanned_at: None })
    };
    let (id, booking, _) = service.change_booking(caller, command, &call.context).await?;
    Ok(Reply::ok(&booking_body(id, &booking))?.version(booking.version))
}

pub(crate) async fn undo(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CheckIn).await?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let UndoBody { reason } = call.json()?;
    let reason = text_from("reason", reason, REASON_CHARS_MAX)?;
    let command = Command::UndoScan(UndoScan { booking, reason, expected_version });
    let (id, booking, _) = service.change_booking(caller, command, &call.context).await?;
    Ok(Reply::ok(&booking_body(id, &booking))?.version(booking.version))
}

pub(crate) async fn history(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadBookings).await?;
    let below = call.query_id("after")?.map(|version| u32::try_from(version).unwrap_or(u32::MAX));
    let limit = call.limit()?;
    let read = service.booking_history(asked, booking_id(&id)?, below, limit + 1).await?;
    Reply::read(read, |versions| cut(versions, limit, |(version, _)| u64::from(*version), version_body))
}

pub(crate) async fn revoked(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::CheckIn).await?;
    let after = BookingId(call.query_id("after")?.unwrap_or_default());
    let limit = call.query("limit")?.is_some().then(|| call.limit()).transpose()?;
    let read = service.revoked_codes(asked, after, limit).await?;
    Reply::read(read, |codes| ListBody {
        items: codes
            .items
            .into_iter()
            .map(|void| RevokedCodeBody { booking_id: void.booking.0, code_revision: void.counts_from })
            .collect(),
        next: codes.next.map(|id| id.0),
    })
}

pub(crate) async fn decide(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::DecideNoShows).await?;
    let slot = path_id(&id, "slot_not_found", "slot").map(SlotId)?;
    let DecisionBody { decision } = call.json()?;
    let decision = match decision.as_str() {
        "release" => Decision::Release,
        "keep" => Decision::Keep,
        other => return Err(Problem::senseless(format!("decision is release or keep, not {other}"))),
    };
    let decide = DecideNoShows { slot, decision };
    let (id, day) = service.decide_no_shows(caller, decide, &call.context).await?;
    Reply::ok(&json!({"slotId": id.0, "noShows": NoShowsBody::of(&day.no_shows)}))
}

pub(crate) async fn revoke_key(State(service): State<Service>, Segment(kid): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeNodeKey).await?;
    let unknown = || Problem::not_found("key_not_found", format!("key {kid}"));
    let KeyId { node, generation } = kid.parse().map_err(|_| unknown())?;
    let key = NodeKeyId { node, generation };
    let (key, revoked) = service.revoke_key(caller, key, &call.context).await?;
    Reply::ok(&json!({
        "kid": key.to_string(), "status": "revoked", "revokedAt": instant(revoked.revoked_at),
        "revokedBy": revoked.revoked_by.0,
    }))
}

pub(crate) async fn keys(State(service): State<Service>, call: Call) -> Answer {
    let read = service.keys().of_codes(call.consistency()?, call.context.deadline).await?;
    Reply::read(read, |keys| keys)
}

fn code_body(code: BookingCode) -> CodeBody {
    let BookingCode { token, url, expires_at } = code;
    CodeBody { token, url, expires_at: instant(expires_at) }
}

fn version_body((version, entry): Version) -> VersionBody {
    let HistoryEntry { revision, at, by, kind, reason } = (*entry).clone();
    let actor = match by {
        ChangedBy::User(UserId(id)) => Some(id),
        ChangedBy::Cluster => None,
    };
    VersionBody {
        version,
        kind: kind_name(kind),
        revision: revision.to_string(),
        log_index: revision.index,
        at: instant(at),
        actor,
        reason,
    }
}

fn kind_name(kind: Option<BookingEvent>) -> &'static str {
    match kind {
        None => "queued",
        Some(BookingEvent::Confirmed) => "confirmed",
        Some(BookingEvent::Changed) => "changed",
        Some(BookingEvent::Cancelled) => "cancelled",
        Some(BookingEvent::Used) => "used",
        Some(BookingEvent::Held) => "held",
        Some(BookingEvent::Expired) => "expired",
        Some(BookingEvent::Rejected) => "rejected",
        Some(BookingEvent::Ready) => "ready",
        Some(BookingEvent::NoShow) => "no_show",
    }
}

/// Some characters, not too many.
fn text_from(name: &str, text: String, max: usize) -> Result<String> {
    if (1..=max).contains(&text.chars().count()) {
        Ok(text)
    } else {
        Err(Problem::senseless(format!("{name} has 1 to {max} characters")))
    }
}

fn booking_id(text: &str) -> Result<BookingId> {
    path_id(text, "booking_not_found", "booking").map(BookingId)
}
