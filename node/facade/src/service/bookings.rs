//! Bookings: making, changing and finding them.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    Booking, BookingId, BookingsOf, Clock, Command, Order, Outcome, ReadRows, ReadTyped as _, Reserve,
    Revision, Slot, SlotId, Timestamp, UserId, list_bookings,
};

use crate::problem::{Problem, Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service, Taken};

/// Bookings looked at for one page of a filtered list; the page may then be short, and `next` goes on.
const LOOKED_AT_MAX: usize = 2_000;

/// Which bookings a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BookingFilter<'a> {
    pub(crate) user: Option<UserId>,
    pub(crate) slot: Option<SlotId>,
    pub(crate) status: Option<&'a str>,
}

/// A part of a list, and where it goes on.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<BookingId>,
}

impl Service {
    /// Books, holds, changes, confirms, cancels or checks in: at once, or when the caller's turn comes, if whoever wants
    /// places of a resource has to wait.
    pub(crate) async fn change_booking(
        &self,
        caller: Caller,
        command: Command,
        call: &CallContext,
    ) -> Result<(BookingId, Booking, Revision)> {
        self.take(caller, command, call).await?.into_booking()
    }

    /// The same, for callers who can also be told of the job that waited for its turn.
    pub(crate) async fn take(&self, caller: Caller, command: Command, call: &CallContext) -> Result<Taken> {
        match self.submit(caller.principal(), self.in_turn(command), call).await? {
            (Outcome::Booking(id, booking), revision) => Ok(Taken::Booking(id, booking, revision)),
            (Outcome::Job(id, accepted), revision) => self.await_booking(id, *accepted, call, revision).await,
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Books or holds places.
    pub(crate) async fn reserve(
        &self,
        caller: Caller,
        wanted: Reserve,
        call: &CallContext,
    ) -> Result<(BookingId, Booking, Revision)> {
        self.change_booking(caller, Command::Reserve(wanted), call).await
    }

    /// A booking the caller may see.
    pub(crate) async fn booking(&self, asked: Asked, id: BookingId) -> Result<Read<Arc<Booking>>> {
        self.read_as(asked, |view, caller| visible_booking(view, caller, id)).await
    }

    /// Bookings the caller may see, newest first.
    pub(crate) async fn bookings(
        &self,
        asked: Asked,
        filter: BookingFilter<'_>,
        after: Option<BookingId>,
        limit: usize,
    ) -> Result<Read<Page<(BookingId, Arc<Booking>)>>> {
        let with = |view: &View<'_>, caller: Caller| visible_bookings(view, caller, filter, after, limit);
        self.read_as(asked, with).await
    }

    /// Bookings of the caller with their slots, in either order of the time they were made.
    pub(crate) async fn history(
        &self,
        asked: Asked,
        after: Option<BookingId>,
        order: Order,
        limit: usize,
    ) -> Result<Read<Vec<(BookingId, Arc<Booking>, Arc<Slot>)>>> {
        let with = |view: &View<'_>, caller: Caller| {
            let bookings =
                list_bookings(view, BookingsOf::User(caller.user), after, order, limit).into_iter();
            let with_slots = bookings.filter_map(|(id, booking)| {
                let slot = view.row::<Slot>(booking.slot)?;
                Some((id, as_of(view, booking), slot))
            });
            Ok(with_slots.collect())
        };
        self.read_as(asked, with).await
    }
}

/// A booking as it is at the moment of the rows: a hold whose deadline has passed has expired.
pub(crate) fn as_of(rows: &impl ReadRows, booking: Arc<Booking>) -> Arc<Booking> {
    let now = rows.row::<Clock>(()).map_or_else(Timestamp::default, |clock| clock.now);
    let state = booking.state_at(now);
    if state == booking.state { booking } else { Arc::new(Booking { state, ..(*booking).clone() }) }
}

pub(super) fn visible_booking(rows: &impl ReadRows, caller: Caller, id: BookingId) -> Result<Arc<Booking>> {
    let found = rows.row::<Booking>(id).filter(|booking| booking.is_managed_by(caller.user, caller.role));
    found.map(|booking| as_of(rows, booking)).ok_or_else(|| Problem::not_found("booking_not_found", id))
}

fn visible_bookings(
    rows: &impl ReadRows,
    caller: Caller,
    filter: BookingFilter<'_>,
    after: Option<BookingId>,
    limit: usize,
) -> Result<Page<(BookingId, Arc<Booking>)>> {
    let user = match (filter.user, caller.role.books_for_others()) {
        (Some(user), true) => Some(user),
        (None, true) => None,
        (Some(user), false) if user != caller.user => return Err(Problem::forbidden()),
        (Some(_) | None, false) => Some(caller.user),
    };
    let of = match (user, filter.slot) {
        (Some(user), _) => BookingsOf::User(user),
        (None, Some(slot)) => BookingsOf::Slot(slot),
        (None, None) => BookingsOf::Everybody,
    };
    let matches = |booking: &Booking| {
        booking.is_managed_by(caller.user, caller.role)
            && filter.slot.is_none_or(|slot| slot == booking.slot)
            && filter.status.is_none_or(|status| status == booking.state.name())
    };
    Ok(page(rows, of, after, limit, matches))
}

fn page(
    rows: &impl ReadRows,
    of: BookingsOf,
    mut after: Option<BookingId>,
    limit: usize,
    matches: impl Fn(&Booking) -> bool,
) -> Page<(BookingId, Arc<Booking>)> {
    let mut items = Vec::new();
    let mut looked_at = 0;
    loop {
        let chunk = list_bookings(rows, of, after, Order::Descending, limit + 1);
        let is_last = chunk.len() <= limit;
        for (id, booking) in chunk {
            if items.len() == limit || looked_at == LOOKED_AT_MAX {
                return Page { items, next: after };
            }
            looked_at += 1;
            after = Some(id);
            let booking = as_of(rows, booking);
            if matches(&booking) {
                items.push((id, booking));
            }
        }
        if is_last {
            return Page { items, next: None };
        }
    }
}
