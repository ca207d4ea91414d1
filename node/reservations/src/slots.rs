//! Slots: bookable time windows of resources, and the pools they sell.

pub mod add_pools;
pub mod change;
pub mod open;
pub mod pass;
pub mod withdraw;

use serde::{Deserialize, Serialize};

pub use add_pools::AddPools;
pub use change::ChangeSlot;
pub use open::{
    NewPlaces, NewPool, NewSlot, OpenSlots, POOLS_PER_COMMAND_MAX, POOLS_PER_SLOT_MAX, SLOTS_PER_COMMAND_MAX,
    Terms,
};
pub use withdraw::WithdrawSlot;

use crate::context::Context;
use crate::due::DueKind;
use crate::ids::{PoolId, ResourceId, SlotId};
use crate::outcome::{Halt, Rejection};
use crate::payments::Money;
use crate::resources::Resource;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};
use crate::seats::SEATS_PER_SLOT_MAX;
use crate::time::Timestamp;

/// A time window of a resource, as it was opened, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Of which resource.
    pub resource: ResourceId,
    /// From when to when.
    pub window: Window,
    /// How far it has come.
    pub status: SlotStatus,
    /// What it sells; an event's slot may sell nothing yet.
    pub pools: Vec<Pool>,
}

/// A start and a later end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    starts_at: Timestamp,
    ends_at: Timestamp,
}

/// How far a slot has come. Bookable while open and before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlotStatus {
    /// Takes bookings until its end.
    Open,
    /// Its end has come.
    Finished,
    /// It was taken off before anybody had places in it.
    Withdrawn,
}

/// One thing a slot sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Which.
    pub id: PoolId,
    /// What it is called, for instance `standard`.
    pub name: String,
    /// How its places are told apart.
    pub kind: PoolKind,
    /// What a place costs, if that was said.
    pub price: Option<Money>,
    /// A line or two for guests.
    pub description: String,
}

/// How the places of a pool are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolKind {
    /// Not at all: only their number counts.
    Counter {
        /// How many there are.
        capacity: u32,
    },
    /// By what is written on them.
    Seats {
        /// How many there are.
        capacity: u32,
    },
}

impl PoolKind {
    /// How many places there are.
    #[must_use]
    pub fn capacity(self) -> u32 {
        match self {
            Self::Counter { capacity } | Self::Seats { capacity } => capacity,
        }
    }

    /// The word for it on `/v1`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter { .. } => "counter",
            Self::Seats { .. } => "seats",
        }
    }
}

impl Window {
    /// A window, unless the end is not after the start.
    #[must_use]
    pub fn new(starts_at: Timestamp, ends_at: Timestamp) -> Option<Self> {
        (starts_at < ends_at).then_some(Self { starts_at, ends_at })
    }

    /// The first moment of the slot.
    #[must_use]
    pub fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    /// The first moment after the slot.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }
}

impl Slot {
    /// Whether the slot takes bookings at a moment, whether or not a tick has marked its end.
    #[must_use]
    pub fn is_bookable_at(&self, now: Timestamp) -> bool {
        match self.status {
            SlotStatus::Open => now < self.window.ends_at,
            SlotStatus::Finished | SlotStatus::Withdrawn => false,
        }
    }

    /// The pool of an id, or the first if none is named.
    #[must_use]
    pub fn pool(&self, id: Option<PoolId>) -> Option<&Pool> {
        match id {
            Some(id) => self.pools.iter().find(|pool| pool.id == id),
            None => self.pools.first(),
        }
    }
}

/// Refuses pools that have more seats together than a slot may have.
fn expect_seats_fit(pools: &[Pool]) -> Result<(), Halt> {
    let seats = pools.iter().map(|pool| match pool.kind {
        PoolKind::Seats { capacity } => u64::from(capacity),
        PoolKind::Counter { .. } => 0,
    });
    if seats.sum::<u64>() <= SEATS_PER_SLOT_MAX { Ok(()) } else { Err(Rejection::TooManyPools.into()) }
}

/// The slot of a resource with exactly this window: the oldest, should there be several.
pub fn at_window(rows: &(impl ReadRows + ?Sized), resource: ResourceId, window: Window) -> Option<SlotId> {
    let key = |slot| Key::SlotByWindow(resource, window.starts_at, window.ends_at, SlotId(slot));
    rows.scan(key(0)..key(u64::MAX), Order::Ascending, 1).into_iter().find_map(|(key, _)| slot_of(&key))
}

/// At most `limit` slots of a resource that start at `from` or later, in order of their start; `after` continues a
/// list behind a slot.
pub fn list(
    rows: &(impl ReadRows + ?Sized),
    resource: ResourceId,
    from: Timestamp,
    after: Option<SlotId>,
    limit: usize,
) -> Vec<(SlotId, Slot)> {
    let start = after.and_then(|slot| Some((slot, rows.row::<Slot>(slot)?.window)));
    let start = match start {
        Some((slot, window)) => {
            Key::SlotByWindow(resource, window.starts_at, window.ends_at, SlotId(slot.0.saturating_add(1)))
        }
        None => Key::SlotByWindow(resource, from, Timestamp::default(), SlotId(0)),
    };
    let end = Key::SlotByWindow(resource, Timestamp::MAX, Timestamp::MAX, SlotId(u64::MAX));
    let ids = rows.scan(start..end, Order::Ascending, limit).into_iter().filter_map(|(key, _)| slot_of(&key));
    ids.filter_map(|id| Some((id, (*rows.row::<Slot>(id)?).clone()))).collect()
}

/// Writes where a slot is found by its window, and when it starts and ends.
fn index(context: &mut Context<'_>, id: SlotId, slot: &Slot) {
    for key in index_keys(id, slot) {
        context.index(key);
    }
}

/// Forgets where a slot was found.
fn forget(context: &mut Context<'_>, id: SlotId, slot: &Slot) {
    for key in index_keys(id, slot) {
        context.delete(key);
    }
}

/// Whether a slot's start has come and a tick has said so.
fn has_started(context: &Context<'_>, id: SlotId, slot: &Slot) -> bool {
    let start = slot.window.starts_at;
    start <= context.now && context.get(&Key::Due(start, DueKind::SlotStarts, id.0)).is_none()
}

fn index_keys(id: SlotId, slot: &Slot) -> [Key; 3] {
    let (starts_at, ends_at) = (slot.window.starts_at, slot.window.ends_at);
    [
        Key::SlotByWindow(slot.resource, starts_at, ends_at, id),
        Key::Due(starts_at, DueKind::SlotStarts, id.0),
        Key::Due(ends_at, DueKind::SlotEnds, id.0),
    ]
}

/// A slot and its resource, if the caller may change it: operators, and whoever the resource belongs to.
fn find_own(
    context: &Context<'_>,
    id: SlotId,
) -> Result<(std::sync::Arc<Slot>, std::sync::Arc<Resource>), Halt> {
    let actor = context.actor()?;
    let slot = context.row::<Slot>(id).filter(|slot| slot.status != SlotStatus::Withdrawn);
    let slot = slot.ok_or(Rejection::SlotNotFound(Some(id)))?;
    let resource = context.row::<Resource>(slot.resource);
    let resource = resource.ok_or(Rejection::ResourceNotFound(slot.resource))?;
    resource.expect_managed_by(actor)?;
    Ok((slot, resource))
}

fn slot_of(key: &Key) -> Option<SlotId> {
    let Key::SlotByWindow(_, _, _, slot) = key else { return None };
    Some(*slot)
}
