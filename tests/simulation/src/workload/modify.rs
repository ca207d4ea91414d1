//! Changes how many places a booking has, or its slot. Only where the history does not look.

use serde_json::json;

use super::answers::booking_in;
use super::{Kind, Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct Modify;

impl Operation for Modify {
    fn name(&self) -> &'static str {
        "modify"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, _) = who.any_booking_where(chance, |slot| !park.records(slot))?;
        let body = match chance.percent(50) {
            true => json!({"count": chance.between(1..=3)}),
            false => json!({"slotId": park.any_changing_slot(chance).0}),
        };
        Some(Wish {
            method: "PATCH",
            path: format!("/v1/bookings/{}", booking.0),
            body: Some(body),
            kind: Kind::Change,
            request: None,
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
