//! Changes how many places a booking has, or its slot.

use holdfast_model::Request;
use serde_json::json;

use super::answers::booking_in;
use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct Modify;

impl Operation for Modify {
    fn name(&self) -> &'static str {
        "modify"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, from) = who.any_booking(chance)?;
        // What the history looks at stays where it looks.
        let (slot, count) = match (chance.percent(75), park.records(from)) {
            (true, _) => (None, Some(chance.between(1..=3) as u32)),
            (false, true) => (Some(*chance.pick(&park.recorded)), None),
            (false, false) => (Some(park.any_changing_slot(chance)), None),
        };
        let body = match (slot, count) {
            (Some(slot), _) => json!({"slotId": slot.0}),
            (None, count) => json!({"count": count}),
        };
        Some(Wish {
            method: "PATCH",
            path: format!("/v1/bookings/{}", booking.0),
            body: Some(body),
            request: park.records(from).then_some(Request::Modify { booking, slot, count }),
            ..Wish::default()
        })
    }

    fn always_changes(&self) -> bool {
        // To what it is already.
        false
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        if let Some(changed) = booking_in(&reply.json) {
            who.bookings.retain(|(id, _)| *id != changed.id);
            who.bookings.push((changed.id, changed.slot));
        }
    }
}
