//! Somebody who is signed in, and what he knows.

use holdfast_model::{BookingId, SlotId, UserId};

use crate::chance::Chance;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    pub(crate) is_staff: bool,
    /// Bookings he knows, each in its slot.
    pub(crate) bookings: Vec<(BookingId, SlotId)>,
}

impl Person {
    /// One of the bookings he knows.
    pub(super) fn any_booking(&self, chance: &mut Chance) -> Option<(BookingId, SlotId)> {
        self.any_booking_where(chance, |_| true)
    }

    /// One of those in such slots; mostly one of the last.
    pub(super) fn any_booking_where(
        &self,
        chance: &mut Chance,
        is_such: impl Fn(SlotId) -> bool,
    ) -> Option<(BookingId, SlotId)> {
        let such: Vec<_> = self.bookings.iter().rev().filter(|(_, slot)| is_such(*slot)).take(8).collect();
        (!such.is_empty()).then(|| **chance.pick(&such))
    }
}
