//! Admits the party of a booking. Only where the history does not look, and by staff.

use super::{Kind, Operation, Park, Person, Wish};
use crate::chance::Chance;

pub(super) struct CheckIn;

impl Operation for CheckIn {
    fn name(&self) -> &'static str {
        "check_in"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, _) = who.any_booking_where(chance, |slot| !park.records(slot))?;
        who.is_staff.then(|| Wish {
            method: "POST",
            path: format!("/v1/bookings/{}/check-in", booking.0),
            body: None,
            kind: Kind::Change,
            request: None,
        })
    }
}
