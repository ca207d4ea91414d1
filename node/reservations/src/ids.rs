//! Identities: dense numbers from replicated counters, one type each, and the revision that names an event.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Defines an id type: a dense number below 2^53 (safe in JSON), sorted by age, never reused.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $label:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($label, ":{}"), self.0)
            }
        }
    )*};
}

ids! {
    /// A park branch, theatre or campus.
    VenueId = "venue";
    /// A ride, event or course.
    ResourceId = "resource";
    /// A bookable time window of a resource.
    SlotId = "slot";
    /// What a slot sells.
    PoolId = "pool";
    /// A party in one slot.
    BookingId = "booking";
    /// Somebody who can sign in.
    UserId = "user";
    /// An accepted command.
    JobId = "job";
    /// A family of refresh tokens: one log-in on one device.
    SessionId = "session";
    /// An address that wants to hear of events.
    WebhookId = "webhook";
}

/// Names one event for ever and orders everything a client sees: the log index of an entry and the position of the
/// command in it. Written `INDEX-ORDINAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision {
    /// The log index of the entry.
    pub index: u64,
    /// The position of the command in its entry, from 0.
    pub ordinal: u32,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.index, self.ordinal)
    }
}
