//! Releases the places of parties that have not come, unless so many are missing that the entrance rather than the guests
//! must be to blame.

#[cfg(test)]
mod tests;

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::day::{self, LateBooking, NoShows, SlotDay};
use crate::due::DueKind;
use crate::event::{BookingEvent, Event, SlotEvent};
use crate::ids::{BookingId, SlotId};
use crate::outcome::{Halt, MissingRow};
use crate::places;
use crate::policies::{Chain, PolicyField};
use crate::rows::{Key, ReadTyped as _};
use crate::slots::Slot;
use crate::time::{Millis, Timestamp};

/// From which share of a slot's places on, in per cent, no-shows wait for an operator where no policy says.
pub const NO_SHOW_SHARE_MAX: u64 = 50;

/// Slots with fewer expected places release their no-shows however many they are.
const STOPPED_PLACES_MIN: u32 = 20;

/// When a party that has not come is released: so long after the start, or after it was confirmed if that is later; at the
/// slot's end where no grace was decided.
pub(super) fn due_at(slot: &Slot, grace: Option<u64>, late: Option<&LateBooking>) -> Timestamp {
    let starts_at = slot.window.starts_at();
    match grace {
        None => slot.window.ends_at(),
        Some(grace) => late.map_or(starts_at, |late| late.confirmed_at.max(starts_at)).plus(Millis(grace)),
    }
}

/// Notes when a booking was confirmed whose slot has started.
pub(super) fn note_late(context: &mut Context<'_>, id: BookingId, booking: &Booking) -> Result<(), Halt> {
    let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
    let late = LateBooking { confirmed_at: context.now };
    context.put(id, late);
    let grace = grace(context, booking.slot, &slot);
    let at = due_at(&slot, grace, Some(&late)).max(context.now);
    context.index(Key::Due(at, DueKind::BookingMissed, id.0));
    Ok(())
}

/// Counts or releases some parties of a slot that have not come; what is left stays due. The answer is how many were
/// looked at.
pub(crate) fn sweep(context: &mut Context<'_>, id: SlotId) -> Result<usize, Halt> {
    let Some(day) = context.row::<SlotDay>(id) else { return Ok(0) };
    let slot = context.expect_row::<Slot>(id, MissingRow::Slot(id))?;
    let due_at = due_at(&slot, grace(context, id, &slot), None);
    let (no_shows, looked_at) = match day.no_shows {
        // Something of an earlier plan was due still.
        NoShows::Planned { at } if at > context.now => return Ok(0),
        NoShows::Planned { .. } if context.now < due_at => {
            // More time was given to them since, and nobody has worked it out again.
            context.index(Key::Due(due_at, DueKind::NoShows, id.0));
            (NoShows::Planned { at: due_at }, 0)
        }
        NoShows::Planned { .. } => count_and_release(context, (id, &slot), BookingId(0), (0, 0))?,
        NoShows::Counting { behind, missing, expected } => {
            count_and_release(context, (id, &slot), behind, (missing, expected))?
        }
        NoShows::Releasing { since, behind } => release_some(context, (id, &slot), since, behind)?,
        NoShows::Stopped { .. } | NoShows::Released { .. } | NoShows::Kept { .. } => return Ok(0),
    };
    if matches!(no_shows, NoShows::Counting { .. } | NoShows::Releasing { .. }) {
        context.index(Key::Due(context.now, DueKind::NoShows, id.0));
    }
    if let NoShows::Stopped { .. } = no_shows {
        context.emit(Event::Slot { kind: SlotEvent::NoShowsStopped, slot: id, resource: slot.resource });
    }
    context.put(id, SlotDay { no_shows, ..*day });
    Ok(looked_at)
}

/// Counts some parties. Of a slot with few, those that have not come are released in the same step.
fn count_and_release(
    context: &mut Context<'_>,
    at: (SlotId, &Slot),
    behind: BookingId,
    counted: (u32, u32),
) -> Result<(NoShows, usize), Halt> {
    let (next, looked_at) = count(context, at, behind, counted);
    let (NoShows::Releasing { since, behind: from }, BookingId(0)) = (next, behind) else {
        return Ok((next, looked_at));
    };
    let (next, released) = release_some(context, at, since, from)?;
    Ok((next, looked_at.saturating_add(released)))
}

/// Counts the places of some parties: those that are due and have not come, and all that were expected.
fn count(
    context: &Context<'_>,
    (id, slot): (SlotId, &Slot),
    behind: BookingId,
    (mut missing, mut expected): (u32, u32),
) -> (NoShows, usize) {
    let page = day::page(context, id, behind);
    for (booking_id, booking) in &page {
        let is_missing = booking.state.is_expected() && is_due(context, *booking_id, (id, slot));
        if is_missing {
            missing = missing.saturating_add(booking.count);
        }
        if is_missing || matches!(booking.state, BookingState::Used { .. }) {
            expected = expected.saturating_add(booking.count);
        }
    }
    let next = match page.last() {
        Some((last, _)) if page.len() == day::SWEEP_MAX => {
            NoShows::Counting { behind: *last, missing, expected }
        }
        Some(_) | None if are_too_many(context, (id, slot), missing, expected) => {
            NoShows::Stopped { since: context.now, missing, expected }
        }
        Some(_) | None => NoShows::Releasing { since: context.now, behind: BookingId(0) },
    };
    (next, page.len())
}

fn are_too_many(context: &Context<'_>, (id, slot): (SlotId, &Slot), missing: u32, expected: u32) -> bool {
    let chain = Chain::of_slot(context, id, slot);
    let share_max = chain.field(context, PolicyField::NoShowShareMax).unwrap_or(NO_SHOW_SHARE_MAX);
    let share = u64::from(missing).saturating_mul(100);
    expected >= STOPPED_PLACES_MIN && share > share_max.saturating_mul(u64::from(expected))
}

/// Releases some parties that have not come.
fn release_some(
    context: &mut Context<'_>,
    (id, slot): (SlotId, &Slot),
    since: Timestamp,
    behind: BookingId,
) -> Result<(NoShows, usize), Halt> {
    let page = day::page(context, id, behind);
    for (booking_id, booking) in &page {
        match booking.state.is_expected() {
            true => release_or_wait(context, *booking_id, booking, (id, slot))?,
            false => context.delete(Key::LateBooking(*booking_id)),
        }
    }
    let next = match page.last() {
        Some((last, _)) if page.len() == day::SWEEP_MAX => NoShows::Releasing { since, behind: *last },
        Some(_) | None => NoShows::Released { since },
    };
    Ok((next, page.len()))
}

/// Releases a party that has not come, or notes when it will be: it has more time of its own.
fn release_or_wait(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
    at: (SlotId, &Slot),
) -> Result<(), Halt> {
    let due_at = due_at_of(context, id, at);
    if due_at <= context.now {
        return release(context, id, booking);
    }
    context.index(Key::Due(due_at, DueKind::BookingMissed, id.0));
    Ok(())
}

/// The moment of a party that had more time than its slot.
pub(crate) fn late(context: &mut Context<'_>, id: BookingId) -> Result<(), Halt> {
    let Some(booking) = context.row::<Booking>(id).filter(|booking| booking.state.is_expected()) else {
        return Ok(());
    };
    let Some(day) = context.row::<SlotDay>(booking.slot) else { return Ok(()) };
    let is_looked_at = match day.no_shows {
        // The slot's own release is still to look at it.
        NoShows::Planned { .. } | NoShows::Counting { .. } => true,
        NoShows::Releasing { behind, .. } => id > behind,
        NoShows::Released { .. } => false,
        // An operator decides, or has.
        NoShows::Stopped { .. } | NoShows::Kept { .. } => true,
    };
    if is_looked_at {
        return Ok(());
    }
    let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
    release_or_wait(context, id, &booking, (booking.slot, &slot))
}

/// Whether a party of a slot that has not come is to be released by now.
fn is_due(context: &Context<'_>, id: BookingId, at: (SlotId, &Slot)) -> bool {
    due_at_of(context, id, at) <= context.now
}

fn due_at_of(context: &Context<'_>, id: BookingId, (slot_id, slot): (SlotId, &Slot)) -> Timestamp {
    let late = context.row::<LateBooking>(id);
    due_at(slot, grace(context, slot_id, slot), late.as_deref())
}

fn grace(context: &Context<'_>, id: SlotId, slot: &Slot) -> Option<u64> {
    Chain::of_slot(context, id, slot).field(context, PolicyField::NoShowGrace)
}

fn release(context: &mut Context<'_>, id: BookingId, booking: &Booking) -> Result<(), Halt> {
    let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
    let is_released = slot.is_bookable_at(context.now);
    if is_released {
        places::free(context, id, booking)?;
    }
    let state = BookingState::NoShow { at: context.now, is_released };
    let released = Booking { state, ..booking.clone() };
    bookings::change(context, id, released, BookingEvent::NoShow)?;
    context.delete(Key::LateBooking(id));
    Ok(())
}
