//! The sequential model: a few slots and their bookings, as anybody would keep them on paper.

use holdfast_reservations::BookingId;

use crate::history::Status;

/// What one moment of some slots is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// Places taken in each slot.
    taken: Vec<u64>,
    /// Each booking, once it is made.
    bookings: Vec<Option<Place>>,
    /// The newest booking whose id was told: ids are given in the order in which bookings are made.
    newest: BookingId,
}

/// A booking: in which slot, how many places, how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) slot: usize,
    pub(super) count: u32,
    pub(super) status: Status,
}

/// A change; slots and bookings by their position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Book { booking: usize, id: Option<BookingId>, slot: usize, count: u32 },
    Modify { booking: usize, slot: Option<usize>, count: Option<u32> },
    Cancel { booking: usize },
    CheckIn { booking: usize },
}

impl State {
    pub(super) fn new(slots: usize, bookings: usize) -> Self {
        Self { taken: vec![0; slots], bookings: vec![None; bookings], newest: BookingId(0) }
    }

    pub(super) fn taken(&self, slot: usize) -> u64 {
        self.taken[slot]
    }

    pub(super) fn booking(&self, booking: usize) -> Option<Place> {
        self.bookings[booking]
    }

    /// About what a memory of it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&self.taken[..]) + size_of_val(&self.bookings[..])
    }

    /// The state after a change and the booking as it is then, or the code of the refusal. `None`: ids say that it came
    /// earlier.
    pub(super) fn after(
        &self,
        change: Change,
        capacities: &[Option<u64>],
    ) -> Option<Result<(Self, Place), &'static str>> {
        let mut next = self.clone();
        let place = match change {
            Change::Book { booking, id, slot, count } => {
                if id.is_some_and(|id| id <= self.newest) {
                    return None;
                }
                next.newest = id.unwrap_or(self.newest);
                next.take(slot, count, capacities).map(|()| (booking, slot, count, Status::Confirmed))
            }
            Change::Modify { booking, slot, count } => self.confirmed(booking).and_then(|place| {
                let (slot, count) = (slot.unwrap_or(place.slot), count.unwrap_or(place.count));
                next.taken[place.slot] -= u64::from(place.count);
                next.take(slot, count, capacities).map(|()| (booking, slot, count, Status::Confirmed))
            }),
            Change::Cancel { booking } => self.confirmed(booking).map(|place| {
                next.taken[place.slot] -= u64::from(place.count);
                (booking, place.slot, place.count, Status::Cancelled)
            }),
            Change::CheckIn { booking } => {
                self.confirmed(booking).map(|place| (booking, place.slot, place.count, Status::Used))
            }
        };
        Some(place.map(|(booking, slot, count, status)| {
            let place = Place { slot, count, status };
            next.bookings[booking] = Some(place);
            (next, place)
        }))
    }

    fn confirmed(&self, booking: usize) -> Result<Place, &'static str> {
        match self.bookings[booking] {
            None => Err(BOOKING_NOT_FOUND),
            Some(Place { status: Status::Used, .. }) => Err("already_used"),
            Some(Place { status: Status::Cancelled, .. }) => Err("already_cancelled"),
            Some(place @ Place { status: Status::Confirmed, .. }) => Ok(place),
            // No change of the model makes one.
            Some(Place {
                status: Status::Held | Status::Expired | Status::Queued | Status::Rejected | Status::NoShow,
                ..
            }) => Err(BOOKING_NOT_FOUND),
        }
    }

    fn take(&mut self, slot: usize, count: u32, capacities: &[Option<u64>]) -> Result<(), &'static str> {
        let taken = self.taken[slot] + u64::from(count);
        if capacities[slot].is_some_and(|capacity| taken > capacity) {
            return Err("slot_full");
        }
        self.taken[slot] = taken;
        Ok(())
    }
}

pub(super) const BOOKING_NOT_FOUND: &str = "booking_not_found";

/// Refusals that the model knows; of others it cannot say when they are due.
pub(super) const CODES: [&str; 4] = [BOOKING_NOT_FOUND, "already_used", "already_cancelled", "slot_full"];
