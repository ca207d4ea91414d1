//! What the tests share: messages, settings that trust an authority, and what is expected of an attempt.

use std::time::Duration;

use holdfast_leader::senders::{Delivery, Facts, Message, Settings, Target};
use holdfast_processes::sinks::{Authority, now};
use serde_json::json;

/// How long a sender waits for a server that stalls.
const SEND_DURATION_MAX: Duration = Duration::from_secs(3);

/// The settings of a node that trusts an authority and is on its network.
pub fn settings(authority: &Authority) -> Settings {
    Settings { ca_file: Some(authority.ca_file()), allow_private_webhooks: true, ..Settings::default() }
}

/// The same, of one that has little patience.
pub fn impatient(authority: &Authority) -> Settings {
    Settings { send_duration_max: SEND_DURATION_MAX, ..settings(authority) }
}

/// A reminder that is sent now.
pub fn message(event_id: &str, target: Target) -> Message {
    Message {
        event_id: event_id.to_owned(),
        kind: "booking.ready".to_owned(),
        occurred_at_ms: 1_800_000_000_000,
        sent_at_ms: now().as_millisecond().unsigned_abs(),
        booking_id: 77,
        slot_id: 12,
        data: json!({"revision": event_id, "bookingId": 77, "slotId": 12}),
        facts: Facts {
            resource: "Ghost Train".to_owned(),
            starts_at: "14:30".to_owned(),
            count: 2,
            code_url: Some("https://tickets.example/77".to_owned()),
        },
        language: "de-AT".to_owned(),
        target,
    }
}

/// Why an attempt is to be made again.
#[track_caller]
pub fn why_again(delivery: Delivery) -> String {
    let Delivery::Retry { after: None, why } = delivery else { panic!("{delivery:?}") };
    why
}

/// Why its target does not take it yet.
#[track_caller]
pub fn why_not_now(delivery: Delivery) -> String {
    let Delivery::NotNow { after: None, why } = delivery else { panic!("{delivery:?}") };
    why
}

/// Whether it is to be made again after a wait that the receiver asked for.
#[track_caller]
pub fn again_after(delivery: Delivery) -> Duration {
    let Delivery::Retry { after: Some(after), .. } = delivery else { panic!("{delivery:?}") };
    after
}

/// Lets time pass while nothing is under way.
pub async fn pass(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

#[track_caller]
pub fn assert_gone(delivery: Delivery) {
    assert!(matches!(delivery, Delivery::Gone { .. }), "{delivery:?}");
}

#[track_caller]
pub fn assert_refused(delivery: Delivery) {
    assert!(matches!(delivery, Delivery::Refused { .. }), "{delivery:?}");
}
