//! Books places in a slot.

use holdfast_model::Request;
use serde_json::json;

use super::answers::booking_in;
use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct Book;

impl Operation for Book {
    fn name(&self) -> &'static str {
        "book"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let slot = park.any_slot(chance);
        let count = chance.between(1..=2) as u32;
        let owner = who.user;
        Some(Wish {
            method: "POST",
            path: "/v1/bookings".to_owned(),
            body: Some(json!({"slotId": slot.0, "count": count})),
            request: park.records(slot).then_some(Request::Book { slot, count, owner }),
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        if let Some(booking) = booking_in(&reply.json) {
            who.bookings.push((booking.id, booking.slot));
        }
    }
}
