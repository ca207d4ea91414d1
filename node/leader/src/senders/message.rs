//! What is sent, to whom, and what became of it.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::secret::Secret;

/// Something to tell somebody. Its `Debug` has no personal data.
#[derive(Clone, PartialEq)]
pub struct Message {
    /// `INDEX-ORDINAL` of the event, the same on every attempt: receivers tell repetitions by it.
    pub event_id: String,
    /// What happened, like `booking.ready`.
    pub kind: String,
    pub occurred_at_ms: u64,
    /// Agreed time when this attempt is made: what is signed bears it, not what this node's own clock shows.
    pub sent_at_ms: u64,
    pub booking_id: u64,
    pub slot_id: u64,
    /// The event as webhooks get it.
    pub data: Value,
    pub facts: Facts,
    /// The guest's language, like `pt-BR`.
    pub language: String,
    pub target: Target,
}

/// What the texts for guests are filled with.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The name of what is booked.
    pub resource: String,
    /// The start of the slot as the venue's clocks show it.
    pub starts_at: String,
    pub count: u32,
    /// Where the entrance code is drawn.
    pub code_url: Option<String>,
}

/// Whom a message is for.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// An app on an Apple device.
    Apns {
        device_token: String,
    },
    /// An app on an Android device.
    Fcm {
        registration_token: String,
    },
    /// A server; two secrets while one replaces the other.
    Webhook {
        id: u64,
        url: String,
        secrets: Vec<Secret>,
    },
    Email {
        address: String,
    },
    /// The node's own log, for development.
    Log,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Somebody has it.
    Delivered,
    /// Nobody knows, or nobody has it yet: try again, not before `after` if it is given.
    Retry { after: Option<Duration>, why: String },
    /// The target is no more: nothing is to be sent there again.
    Gone { why: String },
    /// Its target does not take it now, though what leads there works: try again as for `Retry`, and count it against nobody else.
    NotNow { after: Option<Duration>, why: String },
    /// This message will never be taken.
    Refused { why: String },
}

impl Message {
    /// [`Message::sent_at_ms`] in seconds since 1970.
    pub(super) fn sent_at_seconds(&self) -> u64 {
        self.sent_at_ms / 1000
    }

    /// Names this message to this target, the same on every attempt and on every node.
    pub(super) fn uuid(&self) -> Uuid {
        let (service, place) = match &self.target {
            Target::Apns { device_token } => ("apns", device_token.clone()),
            Target::Fcm { registration_token } => ("fcm", registration_token.clone()),
            Target::Webhook { id, .. } => ("webhook", id.to_string()),
            Target::Email { address } => ("email", address.clone()),
            Target::Log => ("log", String::new()),
        };
        let hash = Sha256::digest(format!("{service}\n{place}\n{}", self.event_id));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

impl Delivery {
    pub(super) fn retry(why: impl fmt::Display) -> Self {
        Self::Retry { after: None, why: why.to_string() }
    }

    pub(super) fn not_now(why: impl fmt::Display) -> Self {
        Self::NotNow { after: None, why: why.to_string() }
    }

    pub(super) fn gone(why: impl fmt::Display) -> Self {
        Self::Gone { why: why.to_string() }
    }

    pub(super) fn refused(why: impl fmt::Display) -> Self {
        Self::Refused { why: why.to_string() }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_id, kind, booking_id, target, .. } = self;
        write!(formatter, "Message({event_id} {kind} of booking {booking_id} to {target:?})")
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Facts({} at {})", self.resource, self.starts_at)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apns { .. } => formatter.write_str("Apns"),
            Self::Fcm { .. } => formatter.write_str("Fcm"),
            Self::Webhook { id, .. } => write!(formatter, "Webhook({id})"),
            Self::Email { .. } => formatter.write_str("Email"),
            Self::Log => formatter.write_str("Log"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn message_to(target: Target) -> Message {
        Message {
            event_id: "120-3".to_owned(),
            kind: "booking.ready".to_owned(),
            occurred_at_ms: 1_800_000_000_000,
            sent_at_ms: 1_800_000_060_500,
            booking_id: 77,
            slot_id: 12,
            data: json!({"bookingId": 77}),
            facts: Facts {
                resource: "Ghost Train".to_owned(),
                starts_at: "14:30".to_owned(),
                count: 2,
                code_url: Some("https://tickets.example/77".to_owned()),
            },
            language: "en".to_owned(),
            target,
        }
    }

    #[test]
    fn a_message_has_one_id_for_each_target_on_every_attempt() {
        let to = |token: &str| message_to(Target::Apns { device_token: token.to_owned() });
        assert_eq!(to("a").uuid(), to("a").uuid());
        assert_ne!(to("a").uuid(), to("b").uuid());
        assert_ne!(to("a").uuid(), Message { event_id: "120-4".to_owned(), ..to("a") }.uuid());
        let to_fcm = message_to(Target::Fcm { registration_token: "a".to_owned() });
        assert_ne!(to("a").uuid(), to_fcm.uuid());
    }

    #[test]
    fn what_is_printed_has_no_secret_and_no_address() {
        let secrets = vec![Secret::from("whsec_SECRET".to_owned())];
        let targets = [
            Target::Apns { device_token: "SECRET".to_owned() },
            Target::Fcm { registration_token: "SECRET".to_owned() },
            Target::Webhook { id: 3, url: "https://a.example/SECRET".to_owned(), secrets },
            Target::Email { address: "SECRET@example.com".to_owned() },
        ];
        for target in targets {
            let printed = format!("{:?}", message_to(target));
            assert!(printed.contains("120-3 booking.ready") && !printed.contains("SECRET"), "{printed}");
        }
    }
}
