//! Changes of a booking's slot and count: what it may look like after them, and which of them can have been the last.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_reservations::{BookingId, SlotId};

use crate::history::{Booking, End, Request};
use crate::ledger::{Operation, Outcome};

/// The changes of each booking that were made, or may have been.
#[derive(Default)]
pub(crate) struct Moves<'a> {
    by_booking: BTreeMap<BookingId, Vec<Move<'a>>>,
    /// What each of these bookings was ever seen as by somebody who knows: where it began, and where it ended.
    seen: BTreeMap<BookingId, Vec<(SlotId, u32)>>,
}

/// A change of one booking.
struct Move<'a> {
    began_at: u64,
    done_at: Option<u64>,
    /// Where it led; what it did not name, if nobody was told, is as it was.
    slot: Option<SlotId>,
    count: Option<u32>,
    told: Option<&'a Booking>,
}

impl<'a> Moves<'a> {
    pub(crate) fn of(operations: &[Operation<'a>], end: &End) -> Self {
        let mut moves = Self::default();
        for operation in operations.iter().filter(|operation| operation.may_be_done()) {
            let Request::Modify { booking, slot, count } = operation.request() else { continue };
            let told = match operation.outcome() {
                Outcome::Acknowledged(_, told) => Some(told),
                Outcome::Refused(..) | Outcome::Unknown | Outcome::NotDone => None,
            };
            moves.by_booking.entry(booking).or_default().push(Move {
                began_at: operation.began_at(),
                done_at: operation.done_at(),
                slot: told.map(|told| told.slot).or(slot),
                count: told.map(|told| told.count).or(count),
                told,
            });
        }
        let booked = operations.iter().filter(|operation| operation.shape().is_some());
        let booked = booked.filter_map(|operation| match operation.outcome() {
            Outcome::Acknowledged(_, booking) => Some(booking),
            Outcome::Refused(..) | Outcome::Unknown | Outcome::NotDone => None,
        });
        for booking in booked.chain(end.bookings.values()) {
            if moves.has(booking.id) {
                moves.seen.entry(booking.id).or_default().push((booking.slot, booking.count));
            }
        }
        moves
    }

    /// Whether a booking may have been changed.
    pub(crate) fn has(&self, booking: BookingId) -> bool {
        self.by_booking.contains_key(&booking)
    }

    /// It was not changed before.
    pub(crate) fn first_at(&self, booking: BookingId) -> Option<u64> {
        self.by_booking.get(&booking)?.iter().map(|change| change.began_at).min()
    }

    /// All places that changed bookings may have got, and from when on.
    pub(crate) fn places(&self) -> impl Iterator<Item = (BookingId, SlotId, u32, u64)> {
        self.by_booking.iter().flat_map(|(booking, moves)| {
            let (slots, most) = self.range_of(*booking, moves);
            moves.iter().flat_map(move |change| {
                let slots = change.slot.map_or_else(|| slots.clone(), |slot| BTreeSet::from([slot]));
                let count = change.count.unwrap_or(most);
                slots.into_iter().map(move |slot| (*booking, slot, count, change.began_at))
            })
        })
    }

    /// Every slot that a booking may have been in, and the most places it may have had.
    fn range_of(&self, booking: BookingId, moves: &[Move<'_>]) -> (BTreeSet<SlotId>, u32) {
        let seen = self.seen.get(&booking).into_iter().flatten();
        let slots = seen.clone().map(|(slot, _)| *slot).chain(moves.iter().filter_map(|change| change.slot));
        let counts = seen.map(|(_, count)| *count).chain(moves.iter().filter_map(|change| change.count));
        (slots.collect(), counts.max().unwrap_or(0))
    }

    /// Whether a booking that was made as `made` can have looked like `seen` at some time.
    pub(crate) fn can_look_like(&self, made: &Booking, seen: &Booking) -> bool {
        let moves = self.by_booking.get(&made.id).map_or(&[][..], Vec::as_slice);
        let slots = moves.iter().filter_map(|change| change.slot).chain([made.slot]);
        let counts = moves.iter().filter_map(|change| change.count).chain([made.count]);
        let is_told = |told: &Booking| (told.slot, told.count) == (seen.slot, seen.count);
        match moves.iter().all(|change| change.told.is_some()) {
            true => is_told(made) || moves.iter().filter_map(|change| change.told).any(is_told),
            // What is unknown may have changed one and kept the other, whatever that was.
            false => {
                slots.into_iter().any(|slot| slot == seen.slot)
                    && counts.into_iter().any(|count| count == seen.count)
            }
        }
    }

    /// Whether a booking that was made as `made` can look like `seen` when all is over: as after a change that no other
    /// one surely came after.
    pub(crate) fn can_end_like(&self, made: &Booking, seen: &Booking) -> bool {
        let moves = self.by_booking.get(&made.id).map_or(&[][..], Vec::as_slice);
        if moves.iter().any(|change| change.told.is_none()) {
            return self.can_look_like(made, seen);
        }
        if moves.is_empty() {
            return (made.slot, made.count) == (seen.slot, seen.count);
        }
        let is_followed = |change: &Move<'_>| {
            moves.iter().any(|later| change.done_at.is_some_and(|done_at| done_at < later.began_at))
        };
        let last = moves.iter().filter(|change| !is_followed(change)).filter_map(|change| change.told);
        last.into_iter().any(|told| (told.slot, told.count) == (seen.slot, seen.count))
    }
}
