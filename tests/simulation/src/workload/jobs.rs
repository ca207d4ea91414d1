//! Lets places be held when one's turn comes.

use serde_json::json;

use super::answers::booking_in;
use super::holds::places;
use super::{Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct Queue;
pub(super) struct ShowJob;

/// Jobs that somebody asks about: the first that there are.
const JOBS: u64 = 40;

impl Operation for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let mut body = places(park.any_held_slot(chance), park, chance);
        body["hold"] = json!(true);
        body["holdSeconds"] = json!(chance.between(1..=6));
        // That moment has mostly come: the job waits for its turn alone.
        body["notBefore"] = park.moment(chance.between(0..=15));
        if who.is_staff {
            body["priority"] = json!(chance.between(0..=9));
        }
        Some(Wish { method: "POST", path: "/v1/bookings".to_owned(), body: Some(body), ..Wish::default() })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        if let Some(booking) = booking_in(&reply.json["result"]["booking"]) {
            who.bookings.push((booking.id, booking.slot));
        }
    }
}

impl Operation for ShowJob {
    fn name(&self) -> &'static str {
        "show_job"
    }

    fn draw(&self, _: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let (path, kind) = maybe_stale(format!("/v1/jobs/{}", chance.between(1..=JOBS)), chance);
        Some(Wish { path, kind, ..Wish::default() })
    }
}
