//! The day of a slot: ready and reminded of shortly before it starts, and released where parties have not come. Both are
//! due for the slot, not for each booking, and worked off in bounded batches.

mod decide;
pub(crate) mod no_shows;
pub(crate) mod ready;

use serde::{Deserialize, Serialize};

pub use decide::{DecideNoShows, Decision};
pub use no_shows::NO_SHOW_SHARE_MAX;

use crate::bookings::{Booking, BookingState};
use crate::context::Context;
use crate::due::DueKind;
use crate::edition::WITH_DAYS;
use crate::ids::{BookingId, SlotId};
use crate::outcome::Halt;
use crate::policies::{Chain, PolicyField, Scope};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};
use crate::slots::{Slot, SlotStatus};
use crate::time::{Millis, Timestamp};

/// How long before its start a slot is ready where no policy says: fifteen minutes.
const REMINDER_LEAD: Millis = Millis::from_minutes(15);

/// Bookings, or slots, worked off by one step of a sweep. What is left is due still.
const SWEEP_MAX: usize = 128;

/// How far the day of a slot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDay {
    /// The start it was planned for.
    pub starts_at: Timestamp,
    /// Whether its bookings are ready.
    pub ready: ReadyStage,
    /// What became of parties that did not come.
    pub no_shows: NoShows,
}

/// Whether the bookings of a slot are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadyStage {
    /// They will be.
    Planned {
        /// When.
        at: Timestamp,
    },
    /// They become so.
    Sweeping {
        /// Since when.
        since: Timestamp,
        /// The booking that was looked at last.
        behind: BookingId,
    },
    /// They are.
    Done {
        /// Since when.
        since: Timestamp,
    },
}

/// What became of parties that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoShows {
    /// Nothing yet.
    Planned {
        /// When they are released.
        at: Timestamp,
    },
    /// They are counted.
    Counting {
        /// The booking that was looked at last.
        behind: BookingId,
        /// Places of parties that have not come.
        missing: u32,
        /// Places of all parties.
        expected: u32,
    },
    /// They are too many to be true: an operator decides.
    Stopped {
        /// Since when.
        since: Timestamp,
        /// Places of parties that have not come.
        missing: u32,
        /// Places of all parties.
        expected: u32,
    },
    /// They are released.
    Releasing {
        /// Since when.
        since: Timestamp,
        /// The booking that was looked at last.
        behind: BookingId,
    },
    /// All were released.
    Released {
        /// Since when.
        since: Timestamp,
    },
    /// An operator has decided that none is.
    Kept {
        /// When.
        since: Timestamp,
    },
}

/// When a booking was confirmed whose slot had started by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateBooking {
    /// When.
    pub confirmed_at: Timestamp,
}

/// Works out what is due for a slot, and forgets what was. What has begun stays as it is.
pub(crate) fn plan(context: &mut Context<'_>, id: SlotId, slot: &Slot) {
    if context.edition < WITH_DAYS {
        return;
    }
    let known = context.row::<SlotDay>(id).map(|day| *day);
    let is_awaited = known.is_some_and(|day| matches!(day.no_shows, NoShows::Planned { .. }));
    match slot.status {
        SlotStatus::Open => (),
        // A grace may be longer than the slot.
        SlotStatus::Finished if is_awaited => (),
        SlotStatus::Finished | SlotStatus::Withdrawn => return,
    }
    let chain = Chain::of_slot(context, id, slot);
    let starts_at = slot.window.starts_at();
    // A slot that was moved to a time to come has its day before it again.
    let known = known.filter(|day| day.starts_at == starts_at || starts_at <= context.now);
    let ready = match known.map(|day| day.ready) {
        Some(begun @ (ReadyStage::Sweeping { .. } | ReadyStage::Done { .. })) => begun,
        Some(ReadyStage::Planned { .. }) | None => {
            let lead = chain.field(context, PolicyField::ReminderLead).unwrap_or(REMINDER_LEAD.0);
            ReadyStage::Planned { at: Timestamp(starts_at.0.saturating_sub(lead)) }
        }
    };
    let no_shows = match known.map(|day| day.no_shows) {
        Some(NoShows::Planned { .. }) | None => {
            let grace = chain.field(context, PolicyField::NoShowGrace);
            NoShows::Planned { at: no_shows::due_at(slot, grace, None) }
        }
        Some(begun) => begun,
    };
    forget(context, id);
    let day = SlotDay { starts_at, ready, no_shows };
    for key in day.due(id) {
        context.index(key);
    }
    context.put(id, day);
}

/// Forgets the day of a slot.
pub(crate) fn forget(context: &mut Context<'_>, id: SlotId) {
    let Some(day) = context.row::<SlotDay>(id) else { return };
    for key in day.due(id) {
        context.delete(key);
    }
    context.delete(Key::SlotDay(id));
}

impl SlotDay {
    /// What is due for it and has not begun.
    pub(crate) fn due(&self, id: SlotId) -> impl Iterator<Item = Key> + use<> {
        let ready = match self.ready {
            ReadyStage::Planned { at } => Some(Key::Due(at, DueKind::SlotReady, id.0)),
            ReadyStage::Sweeping { .. } | ReadyStage::Done { .. } => None,
        };
        let no_shows = match self.no_shows {
            NoShows::Planned { at } => Some(Key::Due(at, DueKind::NoShows, id.0)),
            NoShows::Counting { .. }
            | NoShows::Stopped { .. }
            | NoShows::Releasing { .. }
            | NoShows::Released { .. }
            | NoShows::Kept { .. } => None,
        };
        ready.into_iter().chain(no_shows)
    }

    /// Since when bookings are ready as soon as they are confirmed.
    pub(crate) fn ready_since(&self) -> Option<Timestamp> {
        match self.ready {
            ReadyStage::Planned { .. } => None,
            ReadyStage::Sweeping { since, .. } | ReadyStage::Done { since } => Some(since),
        }
    }
}

/// Has the days of all slots worked out, from a moment on.
pub(crate) fn plan_all(context: &mut Context<'_>, at: Timestamp) {
    context.index(Key::Due(at, DueKind::DaysPlanned, 0));
}

/// As above for the slots of a scope.
pub(crate) fn plan_again(context: &mut Context<'_>, scope: Scope) {
    if context.edition < WITH_DAYS {
        return;
    }
    match scope {
        Scope::Cluster | Scope::Venue(_) | Scope::Resource(_) => plan_all(context, context.now),
        Scope::Slot(id) => {
            if let Some(slot) = context.row::<Slot>(id) {
                plan(context, id, &slot);
            }
        }
        // The day is the slot's.
        Scope::Pool(_) => (),
    }
}

/// Works out again what is due, for some slots from this one on; the rest is due at once. The answer is how many.
pub(crate) fn plan_from(context: &mut Context<'_>, first: SlotId) -> usize {
    let found = context.scan(Key::Slot(first)..Key::Slot(SlotId(u64::MAX)), Order::Ascending, SWEEP_MAX);
    let slots: Vec<SlotId> = found
        .iter()
        .filter_map(|(key, _)| {
            let Key::Slot(id) = key else { return None };
            Some(*id)
        })
        .collect();
    for id in &slots {
        if let Some(slot) = context.row::<Slot>(*id) {
            plan(context, *id, &slot);
        }
    }
    if let (Some(last), true) = (slots.last(), slots.len() == SWEEP_MAX) {
        context.index(Key::Due(context.now, DueKind::DaysPlanned, last.0.saturating_add(1)));
    }
    slots.len()
}

/// A booking was confirmed, or has come from another slot: it may be late for what its slot has begun.
pub(crate) fn confirmed(context: &mut Context<'_>, id: BookingId, booking: &Booking) -> Result<(), Halt> {
    if context.edition < WITH_DAYS || booking.state != BookingState::Confirmed {
        return Ok(());
    }
    let Some(day) = context.row::<SlotDay>(booking.slot) else { return Ok(()) };
    if day.ready_since().is_some() {
        context.index(Key::Due(context.now, DueKind::BookingReady, id.0));
    }
    if day.starts_at <= context.now {
        no_shows::note_late(context, id, booking)?;
    }
    Ok(())
}

/// What a booking is whose party was admitted by mistake: it is expected again, and has as much time to come as one that
/// is confirmed now.
pub(crate) fn expected_again(
    context: &mut Context<'_>,
    id: BookingId,
    booking: &Booking,
) -> Result<BookingState, Halt> {
    let Some(day) = context.row::<SlotDay>(booking.slot) else { return Ok(BookingState::Confirmed) };
    if day.starts_at <= context.now {
        no_shows::note_late(context, id, booking)?;
    }
    Ok(match day.ready_since() {
        Some(_) => BookingState::Ready { since: context.now },
        None => BookingState::Confirmed,
    })
}

/// The bookings of a slot behind one, as many as a step of a sweep looks at.
fn page(rows: &impl ReadRows, slot: SlotId, behind: BookingId) -> Vec<(BookingId, std::sync::Arc<Booking>)> {
    use crate::bookings::{Of, list};
    list(rows, Of::Slot(slot), Some(behind), Order::Ascending, SWEEP_MAX)
}
