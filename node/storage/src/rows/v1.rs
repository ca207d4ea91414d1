//! The first shapes of rows that have changed since, and what they are now. Read for ever, written no more.

use holdfast_reservations::{
    Account, App, Booking, BookingId, BookingState, Contradiction, Counters, Outcome, Pool, PoolId, PoolKind,
    Rejection, Remembered, Resource, ResourceId, ResourceKind, ResourceStatus, Revision, SessionId, Slot,
    SlotId, SlotStatus, Timestamp, UserId, UserProfile, Venue, VenueId, Window,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct CountersV1 {
    venues: u64,
    resources: u64,
    slots: u64,
    pools: u64,
    bookings: u64,
    users: u64,
    sessions: u64,
    operators: u64,
}

impl From<CountersV1> for Counters {
    fn from(old: CountersV1) -> Self {
        let CountersV1 { venues, resources, slots, pools, bookings, users, sessions, operators } = old;
        Self { venues, resources, slots, pools, bookings, users, sessions, operators, jobs: 0 }
    }
}

#[derive(Deserialize)]
pub(super) struct ResourceV1 {
    venue: VenueId,
    kind: ResourceKind,
    name: String,
    description: String,
}

impl From<ResourceV1> for Resource {
    fn from(old: ResourceV1) -> Self {
        let ResourceV1 { venue, kind, name, description } = old;
        Self { venue, kind, name, description, owner: None, status: ResourceStatus::Offered }
    }
}

#[derive(Deserialize)]
struct PoolV1 {
    id: PoolId,
    name: String,
    kind: PoolKind,
}

impl From<PoolV1> for Pool {
    fn from(PoolV1 { id, name, kind }: PoolV1) -> Self {
        Self { id, name, kind, price: None, description: String::new() }
    }
}

#[derive(Deserialize)]
pub(super) struct SlotV1 {
    resource: ResourceId,
    window: Window,
    status: SlotStatus,
    pools: Vec<PoolV1>,
}

impl From<SlotV1> for Slot {
    fn from(SlotV1 { resource, window, status, pools }: SlotV1) -> Self {
        Self { resource, window, status, pools: pools.into_iter().map(Pool::from).collect() }
    }
}

#[derive(Deserialize)]
pub(super) struct BookingV1 {
    slot: SlotId,
    pool: PoolId,
    user: UserId,
    booked_by: UserId,
    count: u32,
    state: BookingState,
    version: u32,
    booked_at: Timestamp,
    revision: Revision,
}

impl From<BookingV1> for Booking {
    fn from(old: BookingV1) -> Self {
        let BookingV1 { slot, pool, user, booked_by, count, state, version, booked_at, revision } = old;
        let seats = Vec::new();
        Self { slot, pool, user, booked_by, count, seats, state, version, booked_at, revision, payment: None }
    }
}

/// The variants keep their order: it is the format.
#[derive(Deserialize)]
enum OutcomeV1 {
    Rejected(Rejection),
    Contradicted(Contradiction),
    Venue(VenueId, Venue),
    Resource(ResourceId, ResourceV1),
    Slots(Vec<(SlotId, SlotV1)>),
    User(UserId, UserProfile),
    Session { session: SessionId, user: UserId, sequence: u64, token_version: u32, expires_at: Timestamp },
    SessionsClosed(UserId),
    Booking(BookingId, BookingV1),
    Ticked { handled: u32, contradicted: u32 },
    NodeKeyRegistered,
    Account(UserId, Account),
    App(UserId, App),
    AppDeleted(UserId),
    NodeKeysRetired(u32),
}

impl From<OutcomeV1> for Outcome {
    fn from(old: OutcomeV1) -> Self {
        match old {
            OutcomeV1::Rejected(rejection) => Self::Rejected(rejection),
            OutcomeV1::Contradicted(contradiction) => Self::Contradicted(contradiction),
            OutcomeV1::Venue(id, venue) => Self::Venue(id, venue),
            OutcomeV1::Resource(id, resource) => Self::Resource(id, resource.into()),
            OutcomeV1::Slots(slots) => {
                Self::Slots(slots.into_iter().map(|(id, slot)| (id, slot.into())).collect())
            }
            OutcomeV1::User(id, profile) => Self::User(id, profile),
            OutcomeV1::Session { session, user, sequence, token_version, expires_at } => {
                Self::Session { session, user, sequence, token_version, expires_at }
            }
            OutcomeV1::SessionsClosed(user) => Self::SessionsClosed(user),
            OutcomeV1::Booking(id, booking) => Self::Booking(id, booking.into()),
            OutcomeV1::Ticked { handled, contradicted } => Self::Ticked { handled, contradicted },
            OutcomeV1::NodeKeyRegistered => Self::NodeKeyRegistered,
            OutcomeV1::Account(id, account) => Self::Account(id, account),
            OutcomeV1::App(id, app) => Self::App(id, app),
            OutcomeV1::AppDeleted(id) => Self::AppDeleted(id),
            OutcomeV1::NodeKeysRetired(count) => Self::NodeKeysRetired(count),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RememberedV1 {
    payload_hash: u64,
    revision: Revision,
    outcome: OutcomeV1,
}

impl From<RememberedV1> for Remembered {
    fn from(RememberedV1 { payload_hash, revision, outcome }: RememberedV1) -> Self {
        Self { payload_hash, revision, outcome: outcome.into() }
    }
}
