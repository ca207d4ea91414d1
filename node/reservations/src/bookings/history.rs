//! What became of a booking, version by version.
//!
//! Making a booking writes none of it: what its first version was, the booking says itself until it is changed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bookings::{Booking, BookingState};
use crate::context::Context;
use crate::edition::WITH_DAYS;
use crate::event::BookingEvent;
use crate::ids::{BookingId, Revision, UserId};
use crate::principal::Principal;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Stored as _};
use crate::time::Timestamp;

/// One version of a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Where the change stands in the log.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// Who made it.
    pub by: ChangedBy,
    /// What it was; `None` for a booking that was made to wait for its turn.
    pub kind: Option<BookingEvent>,
    /// Why, if somebody has said so.
    pub reason: Option<String>,
}

/// Who changed a booking. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangedBy {
    /// Somebody who was signed in.
    User(UserId),
    /// The cluster itself: time passed, or a provider said that it was paid.
    Cluster,
}

/// Notes a change, and what the booking was before if that was its first version.
pub(crate) fn note(
    context: &mut Context<'_>,
    id: BookingId,
    (before, changed): (&Booking, &Booking),
    kind: BookingEvent,
    reason: Option<&str>,
) {
    if context.edition < WITH_DAYS {
        return;
    }
    if before.version == 1 {
        context.put((id, 1), first(before));
    }
    let entry = HistoryEntry {
        revision: changed.revision,
        at: context.now,
        by: changed_by(context.principal, kind),
        kind: Some(kind),
        reason: reason.map(str::to_owned),
    };
    context.put((id, changed.version), entry);
}

/// At most `limit` versions of a booking, the newest first, below one. What came before history was kept is not there.
pub fn list(
    rows: &(impl ReadRows + ?Sized),
    id: BookingId,
    below: Option<u32>,
    limit: usize,
) -> Vec<(u32, Arc<HistoryEntry>)> {
    let Some(booking) = rows.row::<Booking>(id) else { return Vec::new() };
    if booking.version == 1 {
        let is_wanted = below.is_none_or(|below| below > 1);
        return is_wanted.then(|| (1, Arc::new(first(&booking)))).into_iter().take(limit).collect();
    }
    let range = Key::History(id, 0)..Key::History(id, below.unwrap_or(u32::MAX));
    let found = rows.scan(range, Order::Descending, limit).into_iter();
    let entries = found.filter_map(|(key, row)| {
        let Key::History(_, version) = key else { return None };
        Some((version, HistoryEntry::from_row(row)?))
    });
    entries.collect()
}

/// What a booking was when it was made.
fn first(booking: &Booking) -> HistoryEntry {
    let kind = match booking.state {
        BookingState::Held { .. } => Some(BookingEvent::Held),
        BookingState::Queued { .. } => None,
        BookingState::Confirmed
        | BookingState::Used { .. }
        | BookingState::Cancelled { .. }
        | BookingState::Expired { .. }
        | BookingState::Rejected { .. }
        | BookingState::Ready { .. }
        | BookingState::NoShow { .. } => Some(BookingEvent::Confirmed),
    };
    let Booking { revision, booked_at, booked_by, .. } = *booking;
    HistoryEntry { revision, at: booked_at, by: ChangedBy::User(booked_by), kind, reason: None }
}

/// What happens because time passes is nobody's doing, whose command ever found it.
fn changed_by(principal: Principal, kind: BookingEvent) -> ChangedBy {
    match kind {
        BookingEvent::Expired | BookingEvent::Rejected | BookingEvent::Ready | BookingEvent::NoShow => {
            ChangedBy::Cluster
        }
        BookingEvent::Confirmed
        | BookingEvent::Changed
        | BookingEvent::Cancelled
        | BookingEvent::Used
        | BookingEvent::Held => match principal {
            Principal::User { user, .. } | Principal::App { user, .. } => ChangedBy::User(user),
            Principal::Anonymous | Principal::Internal => ChangedBy::Cluster,
        },
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_booking_remembers_who_made_what_of_it() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 1 mia books slot:1
            at 1 mia changes booking:1 count=2
            at 2 adopt
            at 2 tick
            at 3 mia changes booking:1 count=3
            at 4 ann books slot:1 user=3
            at 4 history booking:2
            at 5 mia changes booking:2 count=2
            at 6 tom holds slot:1 for=50
            at 100 tick
            at 100 tom queues slot:1 promise=yes
            at 1000 tick
            at 1001 sam scans booking:1 override=ticket-was-wet
            at 1002 mia cancels booking:2
            at 1003 history booking:1
            at 1003 history booking:2
            at 1003 history booking:3
            at 1003 history booking:4
            at 1003 history booking:9
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                mia changes booking:1 count=2 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=2 [booking.changed]
                adopt -> edition 2
                tick -> ticked 0
                mia changes booking:1 count=3 -> booking:1 confirmed slot:1 pool:1 user:3 count=3 version=3 [booking.changed]
                ann books slot:1 user=3 -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                history booking:2 -> 1 confirmed at=4 by user:5
                mia changes booking:2 count=2 -> booking:2 confirmed slot:1 pool:1 user:3 count=2 version=2 [booking.changed]
                tom holds slot:1 for=50 -> booking:3 held slot:1 pool:1 user:4 count=1 version=1 until=56 [booking.held]
                tick -> ticked 2 [booking.expired]
                tom queues slot:1 promise=yes -> job:1 completed at=100: booking:4 held slot:1 pool:1 user:4 count=1 version=2 until=600100 [booking.held]
                tick -> ticked 2 [booking.ready booking.ready slot.started]
                sam scans booking:1 override=ticket-was-wet -> booking:1 used slot:1 pool:1 user:3 count=3 version=5 [booking.used]
                mia cancels booking:2 -> booking:2 cancelled slot:1 pool:1 user:3 count=2 version=4 [booking.cancelled]
                history booking:1 -> 5 used at=1001 by user:2 (ticket-was-wet), 4 ready at=1000 by cluster, 3 changed at=3 by user:3
                history booking:2 -> 4 cancelled at=1002 by user:3, 3 ready at=1000 by cluster, 2 changed at=5 by user:3, 1 confirmed at=4 by user:5
                history booking:3 -> 2 expired at=100 by cluster, 1 held at=6 by user:4
                history booking:4 -> 2 held at=100 by user:4, 1 queued at=100 by user:4
                history booking:9 -> 
            "#]],
        );
    }
}
