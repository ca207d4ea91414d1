//! Reads a booking.

use holdfast_model::Request;

use super::{Kind, Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;

pub(super) struct Get;

impl Operation for Get {
    fn name(&self) -> &'static str {
        "get"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, slot) = who.any_booking(chance)?;
        let (path, kind) = maybe_stale(format!("/v1/bookings/{}", booking.0), chance);
        let is_recorded = park.records(slot) && kind == Kind::Read;
        let request = is_recorded.then_some(Request::Get(booking));
        Some(Wish { method: "GET", path, kind, request, ..Wish::default() })
    }
}
