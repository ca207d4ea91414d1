//! Refusals that speak of seats, holds, payments and jobs.

use holdfast_reservations::{
    POOLS_PER_SLOT_MAX, Rejection, SEATS_PER_BOOKING_MAX, SEATS_PER_SLOT_MAX, SeatUnavailable,
};
use serde_json::json;

use super::{Problem, moment};
use crate::wire::instant;

/// The refusal in the words of the API.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whoever calls matches them all, and has words for the others"
)]
pub(super) fn rejected(rejection: &Rejection) -> Problem {
    let refused = |code, detail: String| Problem::new(409, code, detail);
    match rejection {
        Rejection::HoldExpired { expired_at } => {
            moment(409, "hold_expired", "the hold ended at", "expiredAt", *expired_at)
        }
        Rejection::NotHeld => refused("not_held", "the booking is not a hold, or no longer one".to_owned()),
        Rejection::NotConfirmed => {
            refused("not_confirmed", "the booking is a hold; confirm it first".to_owned())
        }
        Rejection::NotSoMany { has } => {
            refused("not_so_many", format!("the booking has {has} places")).with("count", json!(has))
        }
        Rejection::SeatNotFound(name) => {
            Problem::not_found("seat_not_found", format!("seat {name} in this pool"))
                .with("seat", json!(name.to_string()))
        }
        Rejection::SeatTaken(taken) => seat_taken(taken),
        Rejection::NoSeats(pool) => {
            refused("no_seats", format!("the places of {pool} are counted, not numbered; give count"))
        }
        Rejection::NoSuchSeatsLeft => {
            refused("no_such_seats", "seats are left, but none as you ask for".to_owned())
        }
        Rejection::LimitReached { limit, has } => {
            let detail = format!("you may hold or have {limit} places here, and have {has}");
            refused("limit_reached", detail).with("limit", json!(limit)).with("has", json!(has))
        }
        Rejection::PaymentMismatch => {
            refused("payment_mismatch", "this is not the payment that was agreed upon".to_owned())
        }
        Rejection::PaymentReferenceTaken => {
            refused("payment_reference_taken", "another booking is paid under this reference".to_owned())
        }
        Rejection::PaymentNotFound(reference) => {
            Problem::not_found("payment_not_found", format!("payment {reference}"))
        }
        Rejection::PlacesGone => {
            refused("places_gone", "the hold has ended, and its places are somebody else's".to_owned())
        }
        Rejection::QueueFull => {
            Problem::new(429, "queue_full", "too many are waiting for this; come back later")
        }
        Rejection::HasSlots => refused("has_slots", "it has slots; take them off first".to_owned()),
        Rejection::HasBookings => refused("has_bookings", "somebody has places in it".to_owned()),
        Rejection::TooManyPools => refused(
            "too_many_pools",
            format!(
                "a slot sells at most {POOLS_PER_SLOT_MAX} kinds of places, and {SEATS_PER_SLOT_MAX} seats"
            ),
        ),
        Rejection::TooManySeats => {
            Problem::senseless(format!("a booking has at most {SEATS_PER_BOOKING_MAX} seats"))
        }
        Rejection::WaitingRoom(resource) => refused(
            "waiting_room",
            format!(
                "{resource} lets those who want places in by turns; book anew instead of changing a booking"
            ),
        ),
        Rejection::NoShow { since } => {
            moment(409, "no_show", "the party did not come in time, as was found at", "since", *since)
        }
        Rejection::NothingToDecide(slot) => {
            refused("nothing_to_decide", format!("no release of no-shows of {slot} waits for a decision"))
        }
        Rejection::NothingAsked => Problem::senseless("ask for at least one place"),
        other => {
            tracing::error!(?other, "a refusal without words");
            Problem::new(500, "internal", "the refusal has no words")
        }
    }
}

fn seat_taken(taken: &SeatUnavailable) -> Problem {
    let SeatUnavailable { label, held_until } = taken;
    match held_until {
        None => {
            let problem = Problem::new(409, "seat_taken", format!("seat {label} is sold"));
            problem.with("seat", json!(label)).with("seatStatus", json!("sold"))
        }
        Some(until) => {
            let detail = format!("seat {label} is held by somebody until {}", instant(*until));
            let problem = Problem::new(409, "seat_taken", detail).with("seat", json!(label));
            problem.with("seatStatus", json!("held")).with("heldUntil", json!(instant(*until)))
        }
    }
}
