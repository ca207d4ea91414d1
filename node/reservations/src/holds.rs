//! Holds: bookings that lapse at a deadline unless they are confirmed. A hold past its deadline is gone for every
//! command and every reader, whether or not a tick has removed it.

pub mod confirm;
pub mod expire;
pub mod extend;
pub mod void;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

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
const PAGE: usize = 256;

/// Lapsed holds of a pool that no tick has removed: at most `limit`, oldest deadline first.
pub fn lapsed(rows: &(impl ReadRows + ?Sized), pool: PoolId, now: Timestamp, limit: usize) -> Vec<BookingId> {
    lapsed_from(rows, pool, (Timestamp::default(), BookingId(0)), now, limit)
        .into_iter()
        .map(|(_, id)| id)
        .collect()
}

/// As above, from a deadline and id on, each with its deadline.
fn lapsed_from(
    rows: &(impl ReadRows + ?Sized),
    pool: PoolId,
    (at, id): (Timestamp, BookingId),
    now: Timestamp,
    limit: usize,
) -> Vec<(Timestamp, BookingId)> {
    let first = Key::HoldByPool(pool, at, id);
    // What ends now has ended.
    let end = Key::HoldByPool(pool, now.plus(Millis(1)), BookingId(0));
    let found = rows.scan(first..end, Order::Ascending, limit).into_iter().filter_map(|(key, _)| {
        let Key::HoldByPool(_, at, id) = key else { return None };
        Some((at, id))
    });
    found.collect()
}

/// Looks at lapsed holds of a pool until it has seen enough.
fn look_at_lapsed(context: &Context<'_>, pool: PoolId, mut look: impl FnMut(BookingId) -> ControlFlow<()>) {
    let mut from = (Timestamp::default(), BookingId(0));
    loop {
        let page = lapsed_from(context, pool, from, context.now, PAGE);
        let Some(last) = page.last().copied() else { return };
        from = behind(last);
        if page.into_iter().try_for_each(|(_, id)| look(id)).is_break() {
            return;
        }
    }
}

fn behind((at, BookingId(id)): (Timestamp, BookingId)) -> (Timestamp, BookingId) {
    (at, BookingId(id.saturating_add(1)))
}

/// Places of a pool that are to be had now, those of lapsed holds among them; at least `enough` if there are so many.
pub(crate) fn available(context: &Context<'_>, pool: PoolId, enough: u32) -> u32 {
    let Some(counts) = context.row::<PoolCounts>(pool) else { return 0 };
    let mut available = counts.available;
    if counts.held == 0 || available >= enough {
        return available;
    }
    look_at_lapsed(context, pool, |id| {
        available = available.saturating_add(context.row::<Booking>(id).map_or(0, |hold| hold.count));
        if available >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    available
}

/// Ends lapsed holds of a pool until `is_enough`, so that somebody else can have their places.
pub(crate) fn end_lapsed(
    context: &mut Context<'_>,
    pool: PoolId,
    is_enough: impl Fn(&Context<'_>) -> bool,
) -> Result<(), Halt> {
    if is_enough(context) {
        return Ok(());
    }
    // Each page begins where the last one ended: what was looked at before is not read again.
    let mut from = (Timestamp::default(), BookingId(0));
    loop {
        let page = lapsed_from(context, pool, from, context.now, PAGE);
        let Some(last) = page.last().copied() else { return Ok(()) };
        from = behind(last);
        for (_, id) in page {
            expire::expire(context, id)?;
            if is_enough(context) {
                return Ok(());
            }
        }
    }
}

/// The seats of lapsed holds of a pool that no tick has removed: they are to be had.
pub(crate) fn lapsed_seats(context: &Context<'_>, pool: PoolId) -> BTreeSet<u32> {
    let mut seats = BTreeSet::new();
    look_at_lapsed(context, pool, |id| {
        let hold = context.row::<Booking>(id);
        seats.extend(hold.iter().flat_map(|hold| hold.seats.iter().map(|seat| seat.number)));
        ControlFlow::Continue(())
    });
    seats
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
        BookingState::NoShow { at, .. } => Err(Rejection::NoShow { since: at }),
        BookingState::Confirmed
        | BookingState::Ready { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. } => Err(Rejection::NotHeld),
    }
}
