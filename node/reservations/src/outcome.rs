//! What a command comes to: a success, a refusal, or a contradiction.

use serde::{Deserialize, Serialize};

use crate::apps::App;
use crate::bookings::Booking;
use crate::codes::IssuedCode;
use crate::day::SlotDay;
use crate::edition::Edition;
use crate::event::Event;
use crate::ids::{
    BookingId, JobId, PoolId, ResourceId, Revision, SessionId, SlotId, UserId, VenueId, WebhookId,
};
use crate::jobs::Job;
use crate::node_keys::{NodeKeyId, RevokedNodeKey};
use crate::policies::{Policy, Scope};
use crate::recipients::{Device, Preferences};
use crate::resources::Resource;
use crate::seats::SeatName;
use crate::slots::Slot;
use crate::time::Timestamp;
use crate::users::{Account, UserProfile};
use crate::venues::Venue;
use crate::webhooks::Webhook;

/// What became of one command of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Where the command took effect. For a repeated request, where it first did.
    pub revision: Revision,
    /// What it came to.
    pub outcome: Outcome,
    /// What it changed; nothing for refusals and repeated requests.
    pub events: Vec<Event>,
}

impl Applied {
    /// Its events, each with the revision that names it: those behind its own, one by one.
    pub fn revisions(&self) -> impl Iterator<Item = (Revision, Event)> + '_ {
        let Revision { index, ordinal } = self.revision;
        (ordinal..).zip(&self.events).map(move |(ordinal, event)| (Revision { index, ordinal }, *event))
    }
}

/// What a command came to. Agreed, repeatable, and remembered for retries: the order of the variants is a stored
/// format, so new ones go to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Refused by the rules; nothing changed.
    Rejected(Rejection),
    /// The command broke an invariant and was dropped; nothing changed. An alarm, and the caller's 500.
    Contradicted(Contradiction),
    /// A venue was made.
    Venue(VenueId, Venue),
    /// A resource was made.
    Resource(ResourceId, Resource),
    /// Slots were opened, in the order asked for.
    Slots(Vec<(SlotId, Slot)>),
    /// A user signed up, or was changed.
    User(UserId, UserProfile),
    /// A session was opened or refreshed.
    Session {
        /// Which.
        session: SessionId,
        /// Whose.
        user: UserId,
        /// The number of the one refresh token that is now valid.
        sequence: u64,
        /// The user's token version, for the access token.
        token_version: u32,
        /// When the session ends unless it is refreshed.
        expires_at: Timestamp,
    },
    /// All sessions of a user were closed.
    SessionsClosed(UserId),
    /// A booking was made or changed.
    Booking(BookingId, Booking),
    /// Due rows were worked off.
    Ticked {
        /// How many.
        handled: u32,
        /// How many of them contradicted an invariant and were dropped. An alarm.
        contradicted: u32,
    },
    /// A node's key was published.
    NodeKeyRegistered,
    /// A user was made or changed by an operator, an app or himself.
    Account(UserId, Account),
    /// An app was made, or its secrets changed.
    App(UserId, App),
    /// An app was deleted.
    AppDeleted(UserId),
    /// Keys of nodes were retired; so many that were not before.
    NodeKeysRetired(u32),
    /// A policy was changed.
    Policy(Scope, Policy),
    /// A command was accepted as a job.
    Job(JobId, Box<Job>),
    /// A resource was taken off.
    ResourceWithdrawn(ResourceId),
    /// A slot was taken off.
    SlotWithdrawn(SlotId),
    /// An edition of the rules counts from the next entry on.
    EditionAdopted(Edition),
    /// How far a slot's day has come.
    SlotDay(SlotId, SlotDay),
    /// A device was added, or is there.
    Device(UserId, Device),
    /// A device was removed: its number.
    DeviceRemoved(UserId, u32),
    /// What a user prefers was changed.
    Preferences(UserId, Preferences),
    /// A webhook was made or changed.
    Webhook(WebhookId, Webhook),
    /// A webhook was removed.
    WebhookRemoved(WebhookId),
    /// Deliveries were settled; so many that were not before.
    DeliveriesSettled(u32),
    /// Dead letters are sent again.
    DeadLettersReplayed {
        /// How many.
        replayed: u32,
        /// Behind which to go on, if there may be more.
        next: Option<u64>,
    },
    /// The code of a booking.
    Code(BookingId, IssuedCode),
    /// A key is revoked.
    NodeKeyRevoked(NodeKeyId, RevokedNodeKey),
}

/// Why a command was refused. Data, not an error: agreed by all nodes and given again to every retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejection {
    /// The principal's user does not exist or its tokens were revoked.
    Unauthenticated,
    /// The principal's role does not allow this.
    Forbidden,
    /// The same key came with another payload.
    KeyReused,
    /// The key is older than what is remembered, so whether it had an effect cannot be told.
    KeyExpired,
    /// The principal has used up its keys for now.
    TooManyKeys,
    /// No such venue.
    VenueNotFound(VenueId),
    /// No such resource.
    ResourceNotFound(ResourceId),
    /// No such slot; its id, if the caller named it by that.
    SlotNotFound(Option<SlotId>),
    /// No such pool in the slot.
    PoolNotFound(PoolId),
    /// No such booking, or not the caller's.
    BookingNotFound(BookingId),
    /// No such user.
    UserNotFound(UserId),
    /// Somebody has signed up with this e-mail address.
    EmailTaken,
    /// The session does not exist, has ended, or its token was used before (which ends it).
    SessionInvalid,
    /// The pool has not enough places left.
    SlotFull(SlotFull),
    /// The booking was changed since the version the caller named.
    VersionMismatch {
        /// Its version.
        current: u32,
    },
    /// The booking was cancelled.
    AlreadyCancelled,
    /// The party was admitted before.
    AlreadyUsed {
        /// When.
        used_at: Timestamp,
        /// By whom.
        used_by: UserId,
    },
    /// The slot has not begun.
    TooEarly {
        /// When it will.
        opens_at: Timestamp,
    },
    /// The slot has ended.
    TooLate {
        /// When it did.
        ended_at: Timestamp,
    },
    /// The key names a moment to come: the caller's clock is ahead, or the cluster's behind.
    KeyAhead,
    /// Nobody would be left to operate the cluster.
    LastOperator,
    /// The user is banned.
    Banned,
    /// The user is an app's: it has no password, and its role is fixed.
    UserIsApp(UserId),
    /// No such app.
    AppNotFound(UserId),
    /// The app has no such secret.
    SecretNotFound(u32),
    /// The app has as many secrets as it may have.
    TooManySecrets,
    /// There are as many apps as there may be.
    TooManyApps,
    /// The user has no password, so he could not log in to operate the cluster.
    NoPassword,
    /// The user is banned, and may log in under the same key when he is not.
    Suspended,
    /// The hold was not confirmed in time.
    HoldExpired {
        /// Its deadline.
        expired_at: Timestamp,
    },
    /// The booking is not a hold.
    NotHeld,
    /// The booking is a hold that nobody has confirmed.
    NotConfirmed,
    /// The booking has fewer places.
    NotSoMany {
        /// How many it has.
        has: u32,
    },
    /// The pool has no such seat.
    SeatNotFound(SeatName),
    /// Somebody has the seat.
    SeatTaken(SeatUnavailable),
    /// The pool's places are not seats.
    NoSeats(PoolId),
    /// Seats are left, but none such.
    NoSuchSeatsLeft,
    /// The user would hold or have more places than he may.
    LimitReached {
        /// How many he may.
        limit: u64,
        /// How many he has.
        has: u64,
    },
    /// The payment is not the one that was agreed upon.
    PaymentMismatch,
    /// Another booking is paid under this reference.
    PaymentReferenceTaken,
    /// No booking is paid under this reference.
    PaymentNotFound(String),
    /// The hold has ended, and somebody else has its places.
    PlacesGone,
    /// Too many jobs wait for the resource.
    QueueFull,
    /// The resource has slots.
    HasSlots,
    /// Somebody has places in the slot.
    HasBookings,
    /// The slot cannot sell so much.
    TooManyPools,
    /// Nothing was asked for: no place at all.
    NothingAsked,
    /// More seats than one booking may have.
    TooManySeats,
    /// The resource lets those who want places in by turns, and a change would jump the queue.
    WaitingRoom(ResourceId),
    /// The party did not come in time.
    NoShow {
        /// When that was found.
        since: Timestamp,
    },
    /// No release of no-shows waits for a decision.
    NothingToDecide(SlotId),
    /// The user has as many devices as he may have.
    TooManyDevices,
    /// The user has no such device.
    DeviceNotFound(u32),
    /// There are as many webhooks as there may be, or as many of one app.
    TooManyWebhooks,
    /// No such webhook, or not the caller's.
    WebhookNotFound(WebhookId),
    /// The party was admitted before, and it is known where.
    AlreadyUsedAt {
        /// When.
        used_at: Timestamp,
        /// By whom.
        used_by: UserId,
        /// Where, in the words of whoever admitted it.
        place: String,
    },
    /// The booking has a newer code.
    CodeStale {
        /// The revision that counts.
        current: u32,
    },
    /// The key that signed the code is revoked.
    CodeRevoked,
    /// The party was not admitted, so there is nothing to take back.
    NotUsed,
    /// The node's own key is revoked: it needs another one before it signs anything.
    NodeKeyRevoked(NodeKeyId),
    /// No such key.
    NodeKeyNotFound(NodeKeyId),
}

/// Why a seat cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatUnavailable {
    /// What is written on it.
    pub label: String,
    /// Until when somebody holds it; `None` if it is sold.
    pub held_until: Option<Timestamp>,
}

/// What somebody who finds a slot full can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotFull {
    /// Places left, fewer than asked for.
    pub available: u32,
    /// Since when none is left.
    pub sold_out_at: Option<Timestamp>,
    /// The next slots of the same resource that have room for the party, nearest first.
    pub alternatives: Vec<SlotId>,
}

impl Rejection {
    /// Whether a retry with the same key gets this answer again. What says nothing about the command itself is not
    /// remembered: the same key may be used once the cause is gone.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        !matches!(
            self,
            Self::Unauthenticated
                | Self::Forbidden
                | Self::KeyReused
                | Self::KeyExpired
                | Self::KeyAhead
                | Self::TooManyKeys
                | Self::Suspended
                // Its provider may be faster than whoever says what is to be paid.
                | Self::PaymentNotFound(_)
                // There is room again soon.
                | Self::QueueFull
                // Another node has another key.
                | Self::NodeKeyRevoked(_)
        )
    }
}

/// An invariant that a command would have broken. See `docs/INVARIANTS.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Contradiction {
    /// INV-2.
    #[error("INV-2: available, held and confirmed of {0} do not add up to its capacity")]
    Capacity(PoolId),
    /// A count or an id left its range.
    #[error("a number left its range")]
    Overflow,
    /// A row that another row names is missing (INV-5).
    #[error("INV-5: a row that another one names is missing: {0}")]
    RowMissing(MissingRow),
    /// INV-3.
    #[error("INV-3: seat {1} of {0} would be somebody's twice, or nobody's")]
    SeatTwice(PoolId, u32),
}

/// Which kind of row was missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum MissingRow {
    /// A slot.
    #[error("{0}")]
    Slot(SlotId),
    /// What is left of a pool.
    #[error("{0}")]
    Pool(PoolId),
    /// A booking that a deadline, a seat or a payment names.
    #[error("{0}")]
    Booking(BookingId),
    /// A job that waits.
    #[error("{0}")]
    Job(JobId),
}

/// Why a command stops before it succeeds. Its overlay is dropped with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The rules refuse it.
    Rejected(Rejection),
    /// It contradicts an invariant.
    Contradicted(Contradiction),
}

impl From<Rejection> for Halt {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Contradiction> for Halt {
    fn from(contradiction: Contradiction) -> Self {
        Self::Contradicted(contradiction)
    }
}
