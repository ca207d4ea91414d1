//! Holds: bookings that lapse at a deadline unless they are confirmed. A hold past its deadline is gone for every
//! command and every reader, whether or not a tick has removed it.

pub mod confirm;
pub mod expire;
pub mod extend;
pub mod void;

use crate::bookings::{Booking, BookingState};
use crate::context::Context;
use crate::ids::{BookingId, PoolId, ResourceId, UserId};
use crate::outcome::{Halt, Rejection};
use crate::pools::PoolCounts;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};
use crate::time::{Millis, Timestamp};

/// The shortest and the longest time a caller may hold places for.
pub const HOLD_DURATION_MIN: Millis = Millis::from_seconds(1);
/// See [`HOLD_DURATION_MIN`].
pub const HOLD_DURATION_MAX: Millis = Millis::from_hours(24);

/// Lapsed holds looked at together.
const PAGE: usize = 64;

/// Lapsed holds of a pool that no tick has removed: at most `limit`, oldest deadline first.
pub fn lapsed(rows: &(impl ReadRows + ?Sized), pool: PoolId, now: Timestamp, limit: usize) -> Vec<BookingId> {
    let key = |at: Timestamp| Key::HoldByPool(pool, at, BookingId(0));
    // What ends now has ended.
    let found = rows.scan(key(Timestamp::default())..key(now.plus(Millis(1))), Order::Ascending, limit);
    let ids = found.into_iter().filter_map(|(key, _)| {
        let Key::HoldByPool(_, _, id) = key else { return None };
        Some(id)
    });
    ids.collect()
}

/// Places of a pool that are to be had now, those of lapsed holds among them.
pub(crate) fn available(context: &Context<'_>, pool: PoolId) -> u64 {
    let Some(counts) = context.row::<PoolCounts>(pool) else { return 0 };
    let lapsed = match counts.held {
        0 => Vec::new(),
        _ => lapsed(context, pool, context.now, usize::MAX),
    };
    let places =
        lapsed.into_iter().filter_map(|id| context.row::<Booking>(id)).map(|hold| u64::from(hold.count));
    places.fold(u64::from(counts.available), u64::saturating_add)
}

/// Ends lapsed holds of a pool until `is_enough`, so that somebody else can have their places.
pub(crate) fn end_lapsed(
    context: &mut Context<'_>,
    pool: PoolId,
    is_enough: impl Fn(&Context<'_>) -> bool,
) -> Result<(), Halt> {
    loop {
        let lapsed = lapsed(context, pool, context.now, PAGE);
        if lapsed.is_empty() || is_enough(context) {
            return Ok(());
        }
        for id in lapsed {
            expire::expire(context, id)?;
            if is_enough(context) {
                return Ok(());
            }
        }
    }
}

/// Places of a user's holds of a resource whose deadline has passed and that no tick has removed.
pub(crate) fn lapsed_places(context: &Context<'_>, user: UserId, resource: ResourceId) -> u32 {
    let key = |at: Timestamp| Key::HoldByUser(user, resource, at, BookingId(0));
    let held = places(context, key(Timestamp::default())..key(context.now.plus(Millis(1))), usize::MAX);
    u32::try_from(held).unwrap_or(u32::MAX)
}

/// Places of a user's live holds of a resource; at least `enough` if there are so many.
pub(crate) fn live_places(context: &Context<'_>, user: UserId, resource: ResourceId, enough: u64) -> u64 {
    let key = |at: Timestamp, id| Key::HoldByUser(user, resource, at, BookingId(id));
    let range = key(context.now.plus(Millis(1)), 0)..key(Timestamp::MAX, u64::MAX);
    // Every hold has a place or more, so no more of them are needed.
    places(context, range, usize::try_from(enough).unwrap_or(usize::MAX))
}

fn places(context: &Context<'_>, range: std::ops::Range<Key>, limit: usize) -> u64 {
    let found = context.scan(range, Order::Ascending, limit).into_iter();
    let held = found.filter_map(|(key, _)| {
        let Key::HoldByUser(_, _, _, id) = key else { return None };
        Some(u64::from(context.row::<Booking>(id)?.count))
    });
    held.sum()
}

/// When a booking's hold ends, if it is one that has not.
pub(crate) fn expect_held(booking: &Booking, now: Timestamp) -> Result<Timestamp, Rejection> {
    match booking.state_at(now) {
        BookingState::Held { expires_at, .. } => Ok(expires_at),
        BookingState::Expired { at } => Err(Rejection::HoldExpired { expired_at: at }),
        BookingState::Cancelled { .. } => Err(Rejection::AlreadyCancelled),
        BookingState::Used { at, by, .. } => Err(Rejection::AlreadyUsed { used_at: at, used_by: by }),
        BookingState::Confirmed | BookingState::Queued { .. } | BookingState::Rejected { .. } => {
            Err(Rejection::NotHeld)
        }
    }
}
