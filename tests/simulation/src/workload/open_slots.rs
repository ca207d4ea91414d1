//! Opens another slot, which soon ends.

use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;

pub(super) struct OpenSlots;

impl Operation for OpenSlots {
    fn name(&self) -> &'static str {
        "open_slots"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = park.new_slot(chance.between(1..=15), chance.between(1..=4));
        who.is_staff.then(|| Wish {
            method: "POST",
            path: format!("/v1/resources/{}/slots", park.resource),
            body: Some(body),
            ..Wish::default()
        })
    }
}
