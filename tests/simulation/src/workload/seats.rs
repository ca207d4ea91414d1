//! Looks at the seats of a slot.

use super::{Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;

pub(super) struct LookAtSeats;

impl Operation for LookAtSeats {
    fn name(&self) -> &'static str {
        "look_at_seats"
    }

    fn draw(&self, _: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let slot = chance.pick(&park.seated).0;
        let (path, kind) = maybe_stale(format!("/v1/slots/{slot}/seats"), chance);
        Some(Wish { path, kind, ..Wish::default() })
    }
}
