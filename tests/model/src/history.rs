//! A history: what clients asked of a cluster, what they were told, and what was there at the end.

use std::collections::BTreeMap;

use holdfast_reservations::{BookingId, BookingState, Revision, SlotId, UserId};

/// What clients asked, what they were told, and what was there at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Every attempt of every client, in any order.
    pub calls: Vec<Call>,
    /// What was there when all was over.
    pub end: End,
}

/// What was there when all was over: the slots the history is about, and all their bookings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The places of each slot.
    pub slots: BTreeMap<SlotId, Counts>,
    /// The bookings in these slots, whatever their status.
    pub bookings: BTreeMap<BookingId, Booking>,
}

/// A node, by its position in the cluster, from 1.
pub type NodeNumber = usize;

/// One attempt. A retry is another call with the same user, key and request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Nanoseconds of one monotonic clock.
    pub invoked_at: u64,
    /// When the client had its answer, or gave up.
    pub answered_at: u64,
    /// Who called.
    pub user: UserId,
    /// The node that was asked; `None` if the client chose it itself.
    pub node: Option<NodeNumber>,
    /// Names the request, for retries.
    pub key: Option<String>,
    /// What was asked.
    pub request: Request,
    /// What came back.
    pub answer: Answer,
    /// The log index that the answer reflects.
    pub index: Option<u64>,
}

/// What was asked. Reads ask for an answer that is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// Places in a slot for somebody.
    Book {
        /// Where.
        slot: SlotId,
        /// How many.
        count: u32,
        /// For whom.
        owner: UserId,
    },
    /// Change a booking's slot or count; what is not named stays.
    Modify {
        /// Which.
        booking: BookingId,
        /// Another slot.
        slot: Option<SlotId>,
        /// Another number of places.
        count: Option<u32>,
    },
    /// Give a booking back.
    Cancel(BookingId),
    /// Admit a party.
    CheckIn(BookingId),
    /// Read a booking.
    Get(BookingId),
    /// Read the places of a slot.
    Look(SlotId),
    /// Read the newest bookings in a slot.
    List(SlotId),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Booked, changed, given back, admitted, or read.
    Booking(Booking),
    /// The places of a slot.
    Slot(Counts),
    /// Bookings, newest first.
    List {
        /// Which.
        bookings: Vec<BookingId>,
        /// Whether there are older ones.
        has_more: bool,
    },
    /// The rules are against it. Final for this key: no retry will ever get another answer.
    Refused(String),
    /// This attempt has no effect and never will; another one under the same key may.
    NotDone(String),
    /// It may have taken effect, or may yet.
    Unknown,
}

/// A party in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Which.
    pub id: BookingId,
    /// Where.
    pub slot: SlotId,
    /// Whose.
    pub owner: UserId,
    /// How many places.
    pub count: u32,
    /// How far it has come.
    pub status: Status,
    /// Its last change, if it was told.
    pub revision: Option<Revision>,
}

/// How far a booking has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It has its places.
    Confirmed,
    /// Its party was admitted, and it keeps its places.
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
    /// Its party did not come.
    NoShow,
}

impl Status {
    /// That of a booking of the rules.
    #[must_use]
    pub fn of(state: &BookingState) -> Self {
        match state {
            // That its slot is about to start is nobody's doing.
            BookingState::Confirmed | BookingState::Ready { .. } => Self::Confirmed,
            BookingState::Used { .. } => Self::Used,
            BookingState::Cancelled { .. } => Self::Cancelled,
            BookingState::Held { .. } => Self::Held,
            BookingState::Expired { .. } => Self::Expired,
            BookingState::Queued { .. } => Self::Queued,
            BookingState::Rejected { .. } => Self::Rejected,
            // Nobody came by the slot's end, and nobody else has its places.
            BookingState::NoShow { is_released: false, .. } => Self::Confirmed,
            BookingState::NoShow { is_released: true, .. } => Self::NoShow,
        }
    }

    /// That of a word of `/v1`.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            // Recorded slots have no grace: who did not come has his places when the slot is over.
            "confirmed" | "ready" | "no_show" => Self::Confirmed,
            "used" => Self::Used,
            "cancelled" => Self::Cancelled,
            "held" => Self::Held,
            "expired" => Self::Expired,
            "queued" => Self::Queued,
            "rejected" => Self::Rejected,
            _ => return None,
        })
    }
}

/// The places of a slot, all its pools together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All there are.
    pub capacity: u64,
    /// To be had.
    pub available: u64,
    /// Held for a time.
    pub held: u64,
    /// Booked.
    pub confirmed: u64,
}

impl Booking {
    /// Whether it has places.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self.status {
            Status::Confirmed | Status::Used | Status::Held => true,
            Status::Cancelled | Status::Expired | Status::Queued | Status::Rejected | Status::NoShow => false,
        }
    }
}

impl Counts {
    /// INV-2 as clients see it.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.available + self.held + self.confirmed == self.capacity
    }
}
