//! Reads the newest bookings in a slot. Staff sees them all, and only their lists are complete.

use holdfast_model::Request;

use super::{Kind, Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;

pub(super) struct List;

impl Operation for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let slot = park.any_slot(chance);
        let (path, kind) = maybe_stale(format!("/v1/bookings?slotId={}&limit=200", slot.0), chance);
        let is_recorded = park.records(slot) && kind == Kind::Read && who.is_staff;
        let request = is_recorded.then_some(Request::List(slot));
        Some(Wish { method: "GET", path, kind, request, ..Wish::default() })
    }
}
