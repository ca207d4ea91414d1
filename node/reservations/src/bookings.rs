//! Bookings: a party in one slot.

mod admission;
pub mod book;
pub mod cancel;
pub mod check_in;
pub mod exchange;
mod find_places;
mod history;
pub mod modify;
pub mod reserve;
mod scan;
mod undo_scan;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use admission::{Admission, NONCE_CHARS_MAX, PLACE_CHARS_MAX, REASON_CHARS_MAX};
pub use history::{ChangedBy, HistoryEntry, list as history};
pub use scan::Scan;
pub use undo_scan::UndoScan;

pub(crate) use history::note as note_history;

use crate::context::{Actor, Context};
use crate::event::{BookingEvent, Event};
use crate::holds;
use crate::ids::{BookingId, JobId, PoolId, Revision, SlotId, UserId};
use crate::outcome::{Halt, MissingRow, Rejection, SlotFull};
use crate::payments::Payment;
use crate::pools::PoolCounts;
use crate::principal::Role;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};
use crate::seats::BookedSeat;
use crate::slots::{self, Slot, SlotStatus};
use crate::tally;
use crate::time::{Millis, Timestamp};

/// Slots looked at to find alternatives for a sold-out one.
const ALTERNATIVES_SEARCHED_MAX: usize = 16;

/// Alternatives named to somebody who found a slot sold out.
const ALTERNATIVES_MAX: usize = 3;

/// A party in one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// In which slot.
    pub slot: SlotId,
    /// Of what the slot sells.
    pub pool: PoolId,
    /// Whose it is.
    pub user: UserId,
    /// Who made it: the same user, or whoever booked for him.
    pub booked_by: UserId,
    /// How many places.
    pub count: u32,
    /// Which seats, if its pool has any; by number.
    pub seats: Vec<BookedSeat>,
    /// How far it has come.
    pub state: BookingState,
    /// Rises with every change, from 1.
    pub version: u32,
    /// When it was made.
    pub booked_at: Timestamp,
    /// The revision of its last change.
    pub revision: Revision,
    /// What is to be paid for it, or was.
    pub payment: Option<Payment>,
}

impl Booking {
    /// How far it has come at a moment: a hold past its deadline has expired, whether or not a tick has said so.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> BookingState {
        if let BookingState::Held { expires_at, .. } = self.state
            && expires_at <= now
        {
            return BookingState::Expired { at: expires_at };
        }
        self.state
    }

    /// Whether a user of this role may see and change it: his own, those an app made, and all for staff.
    #[must_use]
    pub fn is_managed_by(&self, user: UserId, role: Role) -> bool {
        match role {
            Role::Staff | Role::Operator => true,
            Role::App => self.user == user || self.booked_by == user,
            Role::Guest => self.user == user,
        }
    }
}

/// How far a booking has come. The order is a stored format: new states go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BookingState {
    /// It has its places.
    Confirmed,
    /// Its party was admitted; its places stay taken.
    Used {
        /// When, in agreed time.
        at: Timestamp,
        /// By which member of staff.
        by: UserId,
        /// When, by the scanner's own clock; recorded, never used.
        scanned_at: Option<Timestamp>,
    },
    /// It was given back.
    Cancelled {
        /// When.
        at: Timestamp,
    },
    /// It has its places until a deadline.
    Held {
        /// When they are free again unless it is confirmed.
        expires_at: Timestamp,
        /// For how long they were taken, or last extended.
        duration: Millis,
    },
    /// It was not confirmed in time.
    Expired {
        /// Its deadline.
        at: Timestamp,
    },
    /// It waits for its turn, and has no places yet.
    Queued {
        /// The job that will get them.
        job: JobId,
    },
    /// Its turn came and there were none.
    Rejected {
        /// When.
        at: Timestamp,
    },
    /// It has its places, and its slot is about to start or has started.
    Ready {
        /// Since when.
        since: Timestamp,
    },
    /// Its party did not come in time.
    NoShow {
        /// When that was found.
        at: Timestamp,
        /// Whether its places were freed: only while the slot ran was there anybody to have them.
        is_released: bool,
    },
}

impl BookingState {
    /// Whether the booking has places in its slot.
    #[must_use]
    pub fn has_places(&self) -> bool {
        match self {
            Self::Confirmed | Self::Ready { .. } | Self::Used { .. } | Self::Held { .. } => true,
            Self::NoShow { is_released, .. } => !is_released,
            Self::Cancelled { .. } | Self::Expired { .. } | Self::Queued { .. } | Self::Rejected { .. } => {
                false
            }
        }
    }

    /// Whether its party is expected: it has its places for good, and was not admitted.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        matches!(self, Self::Confirmed | Self::Ready { .. })
    }

    /// The word for it on `/v1`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Used { .. } => "used",
            Self::Cancelled { .. } => "cancelled",
            Self::Held { .. } => "held",
            Self::Expired { .. } => "expired",
            Self::Queued { .. } => "queued",
            Self::Rejected { .. } => "rejected",
            Self::Ready { .. } => "ready",
            Self::NoShow { .. } => "no_show",
        }
    }
}

/// At most `limit` bookings of a user, of a slot, or of everybody, in the order of their ids, behind `after` in that
/// order.
pub fn list(
    rows: &(impl ReadRows + ?Sized),
    of: Of,
    after: Option<BookingId>,
    order: Order,
    limit: usize,
) -> Vec<(BookingId, Arc<Booking>)> {
    let (first, end) = match (order, after) {
        (Order::Ascending, Some(BookingId(id))) => (BookingId(id.saturating_add(1)), BookingId(u64::MAX)),
        (Order::Descending, Some(id)) => (BookingId(0), id),
        (Order::Ascending | Order::Descending, None) => (BookingId(0), BookingId(u64::MAX)),
    };
    let range = match of {
        Of::User(user) => Key::BookingByUser(user, first)..Key::BookingByUser(user, end),
        Of::Slot(slot) => Key::BookingBySlot(slot, first)..Key::BookingBySlot(slot, end),
        Of::Everybody => Key::Booking(first)..Key::Booking(end),
    };
    let ids = rows.scan(range, order, limit).into_iter().filter_map(|(key, _)| booking_of(&key));
    ids.filter_map(|id| Some((id, rows.row::<Booking>(id)?))).collect()
}

/// Whose bookings to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Those of a user.
    User(UserId),
    /// Those of a slot.
    Slot(SlotId),
    /// All.
    Everybody,
}

fn booking_of(key: &Key) -> Option<BookingId> {
    let (Key::BookingByUser(_, id) | Key::BookingBySlot(_, id) | Key::Booking(id)) = key else { return None };
    Some(*id)
}

/// The booking of an id if the actor may know of it; somebody else's is as unknown as none.
pub(crate) fn find(context: &Context<'_>, actor: Actor, id: BookingId) -> Result<Arc<Booking>, Halt> {
    match context.row::<Booking>(id) {
        Some(booking) if booking.is_managed_by(actor.user, actor.role) => Ok(booking),
        Some(_) | None => Err(Rejection::BookingNotFound(id).into()),
    }
}

/// Refuses a booking that was changed since the version the caller saw. That a hold has ended is no such change: who is
/// late is told that he is late, whether or not a tick has come by.
pub(crate) fn expect_version(booking: &Booking, expected: Option<u32>, now: Timestamp) -> Result<(), Halt> {
    if let BookingState::Expired { .. } = booking.state_at(now) {
        return Ok(());
    }
    match expected {
        Some(version) if version != booking.version => {
            Err(Rejection::VersionMismatch { current: booking.version }.into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a booking that has no places to give back or to change.
fn expect_live(booking: &Booking, now: Timestamp) -> Result<(), Halt> {
    match booking.state_at(now) {
        BookingState::Confirmed | BookingState::Ready { .. } | BookingState::Held { .. } => Ok(()),
        BookingState::NoShow { at, .. } => Err(Rejection::NoShow { since: at }.into()),
        BookingState::Used { at, by, .. } => Err(Rejection::AlreadyUsed { used_at: at, used_by: by }.into()),
        BookingState::Cancelled { .. } => Err(Rejection::AlreadyCancelled.into()),
        BookingState::Expired { at } => Err(Rejection::HoldExpired { expired_at: at }.into()),
        BookingState::Queued { .. } | BookingState::Rejected { .. } => Err(Rejection::NotHeld.into()),
    }
}

/// Refuses a slot that has ended, whether or not a tick has marked it, or that was taken off.
pub(crate) fn expect_bookable(context: &Context<'_>, id: SlotId, slot: &Slot) -> Result<(), Halt> {
    if slot.is_bookable_at(context.now) {
        return Ok(());
    }
    match slot.status {
        SlotStatus::Withdrawn => Err(Rejection::SlotNotFound(Some(id)).into()),
        SlotStatus::Open | SlotStatus::Finished => {
            Err(Rejection::TooLate { ended_at: slot.window.ends_at() }.into())
        }
    }
}

/// Refuses a pool with fewer than `count` places left, naming what is near. Places of holds that have lapsed are there.
fn expect_room(context: &mut Context<'_>, slot: &Slot, pool: PoolId, count: u32) -> Result<(), Halt> {
    expect_available(context, slot, pool, count)?;
    holds::end_lapsed(context, pool, |context| {
        context.row::<PoolCounts>(pool).is_some_and(|counts| counts.available >= count)
    })
}

/// Refuses as above, and leaves lapsed holds to whoever takes their places.
fn expect_available(context: &mut Context<'_>, slot: &Slot, pool: PoolId, count: u32) -> Result<(), Halt> {
    let available = holds::available(context, pool, count);
    if available >= count {
        return Ok(());
    }
    let counts = context.expect_row::<PoolCounts>(pool, MissingRow::Pool(pool))?;
    let sold_out_at = counts.sold_out_at.filter(|_| available == 0);
    let alternatives = alternatives(context, slot, pool, count);
    Err(Rejection::SlotFull(SlotFull { available, sold_out_at, alternatives }).into())
}

/// The next slots of the same resource with room for the party. Searched once an entry.
fn alternatives(context: &mut Context<'_>, full: &Slot, pool: PoolId, count: u32) -> Vec<SlotId> {
    if let Some(known) = context.alternatives.get(&(pool, count)) {
        return known.clone();
    }
    let from = full.window.starts_at().max(context.now);
    let next = slots::list(context, full.resource, from, None, ALTERNATIVES_SEARCHED_MAX);
    let has_room = |slot: &Slot| {
        let mut others = slot.pools.iter().filter(|other| other.id != pool);
        slot.is_bookable_at(context.now)
            && others.any(|other| holds::available(context, other.id, count) >= count)
    };
    let found: Vec<SlotId> =
        next.iter().filter(|(_, slot)| has_room(slot)).map(|(id, _)| *id).take(ALTERNATIVES_MAX).collect();
    context.alternatives.insert((pool, count), found.clone());
    found
}

/// Writes a booking's next version and says what happened to it.
pub(crate) fn change(
    context: &mut Context<'_>,
    id: BookingId,
    booking: Booking,
    kind: BookingEvent,
) -> Result<Booking, Halt> {
    change_because(context, id, booking, kind, None)
}

/// As above, for a reason that somebody has given.
pub(crate) fn change_because(
    context: &mut Context<'_>,
    id: BookingId,
    booking: Booking,
    kind: BookingEvent,
    reason: Option<&str>,
) -> Result<Booking, Halt> {
    let version = booking.version.checked_add(1).ok_or(crate::outcome::Contradiction::Overflow)?;
    let changed = Booking { version, revision: context.revision, ..booking };
    let before = context.row::<Booking>(id);
    tally::note(context, before.as_deref(), &changed);
    if let Some(before) = before.as_deref() {
        history::note(context, id, (before, &changed), kind, reason);
    }
    context.put(id, changed.clone());
    context.emit(Event::Booking { kind, booking: id, slot: changed.slot, user: changed.user });
    Ok(changed)
}
