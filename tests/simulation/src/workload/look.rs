//! Reads the places of a slot.

use holdfast_model::Request;

use super::{Kind, Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;

pub(super) struct Look;

impl Operation for Look {
    fn name(&self) -> &'static str {
        "look"
    }

    fn draw(&self, _: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let slot = park.any_slot(chance);
        let (path, kind) = maybe_stale(format!("/v1/slots/{}", slot.0), chance);
        let is_recorded = park.records(slot) && kind == Kind::Read;
        let request = is_recorded.then_some(Request::Look(slot));
        Some(Wish { method: "GET", path, kind, request, ..Wish::default() })
    }
}
