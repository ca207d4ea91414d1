//! Reads what a booking remembers of itself.

use super::answers::revision_in;
use super::{Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct LookAtHistory;

impl Operation for LookAtHistory {
    fn name(&self) -> &'static str {
        "look_at_history"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let (booking, _) = who.any_booking(chance)?;
        let (path, kind) = maybe_stale(format!("/v1/bookings/{}/history?limit=200", booking.0), chance);
        Some(Wish { path, kind, ..Wish::default() })
    }

    /// Every version from the newest to the first, each made after the one before it.
    fn complaint(&self, reply: &Reply) -> Option<String> {
        let items = reply.json["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let versions: Vec<_> =
            items.iter().rev().map(|item| (item["version"].as_u64(), revision_in(item))).collect();
        let are_all = (1..).zip(&versions).all(|(number, (version, _))| *version == Some(number));
        let are_in_order = versions.windows(2).all(|pair| pair[0].1 < pair[1].1);
        let is_whole = !versions.is_empty() && versions.iter().all(|(_, revision)| revision.is_some());
        (!is_whole || !are_all || !are_in_order).then(|| format!("a history is {}", reply.json))
    }
}
