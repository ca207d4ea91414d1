//! Refusals in the words of scripts.

use std::fmt::Write as _;

use crate::*;

pub(super) fn describe(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Unauthenticated => "unauthenticated".into(),
        Rejection::Forbidden => "forbidden".into(),
        Rejection::KeyReused => "key_reused".into(),
        Rejection::KeyExpired => "key_expired".into(),
        Rejection::KeyAhead => "key_ahead".into(),
        Rejection::TooManyKeys => "too_many_keys".into(),
        Rejection::VenueNotFound(id) => format!("venue_not_found {id}"),
        Rejection::ResourceNotFound(id) => format!("resource_not_found {id}"),
        Rejection::SlotNotFound(Some(id)) => format!("slot_not_found {id}"),
        Rejection::SlotNotFound(None) => "slot_not_found".into(),
        Rejection::PoolNotFound(id) => format!("pool_not_found {id}"),
        Rejection::BookingNotFound(id) => format!("booking_not_found {id}"),
        Rejection::UserNotFound(id) => format!("user_not_found {id}"),
        Rejection::EmailTaken => "email_taken".into(),
        Rejection::SessionInvalid => "session_invalid".into(),
        Rejection::SlotFull(full) => {
            let mut line = format!("slot_full available={}", full.available);
            if let Some(at) = full.sold_out_at {
                write!(line, " sold_out_at={}", at.0).unwrap();
            }
            if !full.alternatives.is_empty() {
                let names: Vec<String> = full.alternatives.iter().map(ToString::to_string).collect();
                write!(line, " alternatives={}", names.join(",")).unwrap();
            }
            line
        }
        Rejection::VersionMismatch { current } => format!("version_mismatch current={current}"),
        Rejection::AlreadyCancelled => "already_cancelled".into(),
        Rejection::AlreadyUsed { used_at, used_by } => {
            format!("already_used used_at={} used_by={used_by}", used_at.0)
        }
        Rejection::TooEarly { opens_at } => format!("too_early opens_at={}", opens_at.0),
        Rejection::TooLate { ended_at } => format!("too_late ended_at={}", ended_at.0),
        Rejection::LastOperator => "last_operator".into(),
        Rejection::Banned | Rejection::Suspended => "banned".into(),
        Rejection::UserIsApp(id) => format!("user_is_app {id}"),
        Rejection::AppNotFound(id) => format!("app_not_found {id}"),
        Rejection::SecretNotFound(number) => format!("secret_not_found {number}"),
        Rejection::TooManySecrets => "too_many_secrets".into(),
        Rejection::TooManyApps => "too_many_apps".into(),
        Rejection::NoPassword => "no_password".into(),
        Rejection::HoldExpired { expired_at } => format!("hold_expired expired_at={}", expired_at.0),
        Rejection::NotHeld => "not_held".into(),
        Rejection::NotConfirmed => "not_confirmed".into(),
        Rejection::NotSoMany { has } => format!("not_so_many has={has}"),
        Rejection::SeatNotFound(name) => format!("seat_not_found {name}"),
        Rejection::SeatTaken(SeatUnavailable { label, held_until: None }) => {
            format!("seat_taken {label} sold")
        }
        Rejection::SeatTaken(SeatUnavailable { label, held_until: Some(until) }) => {
            format!("seat_taken {label} held_until={}", until.0)
        }
        Rejection::NoSeats(pool) => format!("no_seats {pool}"),
        Rejection::NoSuchSeatsLeft => "no_such_seats_left".into(),
        Rejection::LimitReached { limit, has } => format!("limit_reached limit={limit} has={has}"),
        Rejection::PaymentMismatch => "payment_mismatch".into(),
        Rejection::PaymentReferenceTaken => "payment_reference_taken".into(),
        Rejection::PaymentNotFound(reference) => format!("payment_not_found {reference}"),
        Rejection::PlacesGone => "places_gone".into(),
        Rejection::QueueFull => "queue_full".into(),
        Rejection::HasSlots => "has_slots".into(),
        Rejection::HasBookings => "has_bookings".into(),
        Rejection::TooManyPools => "too_many_pools".into(),
        Rejection::TooManySeats => "too_many_seats".into(),
        Rejection::WaitingRoom(id) => format!("waiting_room {id}"),
        Rejection::NothingAsked => "nothing_asked".into(),
        Rejection::NoShow { since } => format!("no_show since={}", since.0),
        Rejection::NothingToDecide(slot) => format!("nothing_to_decide {slot}"),
        Rejection::TooManyDevices => "too_many_devices".into(),
        Rejection::DeviceNotFound(number) => format!("device_not_found {number}"),
        Rejection::TooManyWebhooks => "too_many_webhooks".into(),
        Rejection::WebhookNotFound(id) => format!("webhook_not_found {id}"),
        Rejection::AlreadyUsedAt { used_at, used_by, place } => {
            format!("already_used used_at={} used_by={used_by} place={place}", used_at.0)
        }
        Rejection::CodeStale { current } => format!("code_stale current={current}"),
        Rejection::CodeRevoked => "code_revoked".into(),
        Rejection::NotUsed => "not_used".into(),
        Rejection::NodeKeyRevoked(key) => format!("node_key_revoked key:{key}"),
        Rejection::NodeKeyNotFound(key) => format!("node_key_not_found key:{key}"),
    }
}
