//! Gives a booking back.

use holdfast_model::Request;

use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;

pub(super) struct Cancel;

impl Operation for Cancel {
    fn name(&self) -> &'static str {
        "cancel"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, slot) = who.any_booking(chance)?;
        Some(Wish {
            method: "POST",
            path: format!("/v1/bookings/{}/cancel", booking.0),
            request: park.records(slot).then_some(Request::Cancel(booking)),
            ..Wish::default()
        })
    }
}
