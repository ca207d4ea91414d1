//! Holds places, and confirms them, holds them longer, or has others; books seats.

use holdfast_model::SlotId;
use serde_json::{Value, json};

use super::answers::booking_in;
use super::park::SEATS;
use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct Hold;
pub(super) struct BookSeats;
pub(super) struct Confirm;
pub(super) struct Extend;
pub(super) struct ChangeSeats;

/// Which places of a slot somebody asks for.
pub(super) fn places(slot: SlotId, park: &Park, chance: &mut Chance) -> Value {
    let mut body = json!({"slotId": slot.0});
    match (park.has_seats(slot), chance.between(0..=2)) {
        (true, 0) => body["bestAvailable"] = json!(chance.between(1..=3)),
        (true, _) => body["seats"] = labels(chance),
        (false, _) => body["count"] = json!(chance.between(1..=3)),
    }
    body
}

/// One or two seats that are there.
fn labels(chance: &mut Chance) -> Value {
    let first = chance.between(1..=SEATS);
    let second = chance.between(1..=SEATS);
    match first == second || chance.percent(50) {
        true => json!([first.to_string()]),
        false => json!([first.to_string(), second.to_string()]),
    }
}

fn learn(who: &mut Person, reply: &Reply) {
    if let Some(booking) = booking_in(&reply.json) {
        who.bookings.push((booking.id, booking.slot));
    }
}

/// Something done to a booking of a slot in which places are held.
pub(super) fn about_held(
    who: &Person,
    park: &Park,
    chance: &mut Chance,
    what: &str,
    body: Option<Value>,
) -> Option<Wish> {
    let (booking, _) = who.any_booking_where(chance, |slot| park.is_held(slot))?;
    let path = format!("/v1/bookings/{}/{what}", booking.0);
    Some(Wish { method: "POST", path, body, ..Wish::default() })
}

impl Operation for Hold {
    fn name(&self) -> &'static str {
        "hold"
    }

    fn draw(&self, _: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let mut body = places(park.any_held_slot(chance), park, chance);
        body["hold"] = json!(true);
        if chance.percent(70) {
            body["holdSeconds"] = json!(chance.between(1..=6));
        }
        Some(Wish { method: "POST", path: "/v1/bookings".to_owned(), body: Some(body), ..Wish::default() })
    }

    /// Whoever has to wait for his turn gets it by another request.
    fn always_changes(&self) -> bool {
        false
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        learn(who, reply);
    }
}

impl Operation for BookSeats {
    fn name(&self) -> &'static str {
        "book_seats"
    }

    fn draw(&self, _: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = places(*chance.pick(&park.seated), park, chance);
        Some(Wish { method: "POST", path: "/v1/bookings".to_owned(), body: Some(body), ..Wish::default() })
    }

    /// Whoever has to wait for his turn gets it by another request.
    fn always_changes(&self) -> bool {
        false
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        learn(who, reply);
    }
}

impl Operation for Confirm {
    fn name(&self) -> &'static str {
        "confirm"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let part = chance.percent(20).then(|| json!({"count": 1}));
        about_held(who, park, chance, "confirm", part)
    }
}

impl Operation for Extend {
    fn name(&self) -> &'static str {
        "extend"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let longer = json!({"holdSeconds": chance.between(1..=6)});
        about_held(who, park, chance, "extend", Some(longer))
    }
}

impl Operation for ChangeSeats {
    fn name(&self) -> &'static str {
        "change_seats"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, _) = who.any_booking_where(chance, |slot| park.is_held(slot))?;
        let slot = *chance.pick(&park.seated);
        let body = json!({"slotId": slot.0, "seats": labels(chance)});
        let path = format!("/v1/bookings/{}", booking.0);
        Some(Wish { method: "PATCH", path, body: Some(body), ..Wish::default() })
    }

    /// He may ask for the seats that he has.
    fn always_changes(&self) -> bool {
        false
    }
}
