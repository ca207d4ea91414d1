//! Admits the party of a booking; by staff.

use holdfast_model::Request;

use super::{Kind, Operation, Park, Person, Wish};
use crate::chance::Chance;

pub(super) struct CheckIn;

impl Operation for CheckIn {
    fn name(&self) -> &'static str {
        "check_in"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, slot) = who.any_booking(chance)?;
        who.is_staff.then(|| Wish {
            method: "POST",
            path: format!("/v1/bookings/{}/check-in", booking.0),
            body: None,
            kind: Kind::Change,
            request: park.records(slot).then_some(Request::CheckIn(booking)),
        })
    }
}
