//! What a booking is, and what can be asked for.

use holdfast_proto::v1 as proto;

/// A party in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Booking {
    /// Which.
    pub id: u64,
    /// In which slot.
    pub slot_id: u64,
    /// Of what the slot sells.
    pub pool_id: u64,
    /// Whose it is.
    pub user_id: u64,
    /// How many places.
    pub count: u32,
    /// How far it has come.
    pub state: BookingState,
    /// Rises with every change.
    pub version: u32,
    /// Names its last change, and orders it among all others.
    pub revision: Revision,
    /// What is written on its seats, if its pool has any.
    pub seats: Vec<String>,
    /// When a hold ends unless it is confirmed, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

/// How far a booking has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BookingState {
    /// It has its places.
    Confirmed,
    /// Its party was admitted.
    Used,
    /// It was given back.
    Cancelled,
    /// It has its places until a deadline.
    Held,
    /// It was not confirmed in time.
    Expired,
    /// It waits for its turn.
    Queued,
    /// Its turn came, and there were no places.
    Rejected,
    /// It has its places, and its slot is about to start.
    Ready,
    /// Its party did not come in time.
    NoShow,
    /// A state that this version of the client does not know.
    Other,
}

/// Where a change stands in the log of the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision {
    /// The log index.
    pub index: u64,
    /// The position in the log entry.
    pub ordinal: u32,
}

/// Places to be booked.
#[derive(Clone, Debug)]
pub struct Book(proto::BookRequest);

impl Book {
    /// One place in a slot, of its first pool, for the caller.
    #[must_use]
    pub fn in_slot(slot_id: u64) -> Self {
        let seats = Vec::new();
        Self(proto::BookRequest { slot_id, pool_id: None, count: None, user_id: None, seats, hold: None })
    }

    /// Of another pool.
    #[must_use]
    pub fn pool(mut self, pool_id: u64) -> Self {
        self.0.pool_id = Some(pool_id);
        self
    }

    /// More places.
    #[must_use]
    pub fn count(mut self, count: u32) -> Self {
        self.0.count = Some(count);
        self
    }

    /// These seats, by what is written on them.
    #[must_use]
    pub fn seats(mut self, labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.seats = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Held instead of booked, for as long as the cluster's policies say: [`crate::Client::confirm`] books them.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.0.hold = Some(proto::Hold { seconds: None });
        self
    }

    /// Held for so many seconds.
    #[must_use]
    pub fn held_for(mut self, seconds: u32) -> Self {
        self.0.hold = Some(proto::Hold { seconds: Some(seconds) });
        self
    }

    /// For a user; for apps and staff.
    #[must_use]
    pub fn user(mut self, user_id: u64) -> Self {
        self.0.user_id = Some(user_id);
        self
    }

    pub(crate) fn into_proto(self) -> proto::BookRequest {
        self.0
    }
}

/// A booking to be changed.
#[derive(Clone, Copy, Debug)]
pub struct Modify(proto::ModifyRequest);

impl Modify {
    /// Nothing changed yet.
    #[must_use]
    pub fn booking(booking_id: u64) -> Self {
        let nothing = proto::ModifyRequest {
            booking_id,
            slot_id: None,
            pool_id: None,
            count: None,
            expected_version: None,
        };
        Self(nothing)
    }

    /// To another slot.
    #[must_use]
    pub fn slot(mut self, slot_id: u64) -> Self {
        self.0.slot_id = Some(slot_id);
        self
    }

    /// To another number of places.
    #[must_use]
    pub fn count(mut self, count: u32) -> Self {
        self.0.count = Some(count);
        self
    }

    /// Only if this is still its version.
    #[must_use]
    pub fn expected_version(mut self, version: u32) -> Self {
        self.0.expected_version = Some(version);
        self
    }

    pub(crate) fn into_proto(self) -> proto::ModifyRequest {
        self.0
    }
}

impl From<proto::Booking> for Booking {
    fn from(booking: proto::Booking) -> Self {
        let state = match booking.state() {
            proto::BookingState::Confirmed => BookingState::Confirmed,
            proto::BookingState::Used => BookingState::Used,
            proto::BookingState::Cancelled => BookingState::Cancelled,
            proto::BookingState::Held => BookingState::Held,
            proto::BookingState::Expired => BookingState::Expired,
            proto::BookingState::Queued => BookingState::Queued,
            proto::BookingState::Rejected => BookingState::Rejected,
            proto::BookingState::Ready => BookingState::Ready,
            proto::BookingState::NoShow => BookingState::NoShow,
            proto::BookingState::Unspecified => BookingState::Other,
        };
        let revision = booking.revision.unwrap_or_default();
        Self {
            id: booking.id,
            slot_id: booking.slot_id,
            pool_id: booking.pool_id,
            user_id: booking.user_id,
            count: booking.count,
            state,
            version: booking.version,
            revision: Revision { index: revision.index, ordinal: revision.ordinal },
            seats: booking.seats,
            expires_at_ms: booking.expires_at_ms,
        }
    }
}
