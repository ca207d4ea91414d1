//! All who come to the park, and the operator who opens it.

use std::sync::PoisonError;
use std::time::Duration;

use holdfast_model::SlotId;
use serde_json::{Value, json};

use super::day;
use super::guest::Guest;
use super::load::Load;
use super::park::{DAYS, OPEN_SECONDS, Park, SLOTS};
use super::{Wish, sign_in};
use crate::chance::Chance;
use crate::client::Fidelity;
use crate::network::{MachineNumber, Net};
use crate::node::{OPERATOR_EMAIL, OPERATOR_PASSWORD};
use crate::recorder::Recorder;
use crate::time::WorldTime;
use crate::trace::Trace;

/// Who there is, and how they reach the nodes.
#[derive(Clone)]
pub struct Guests {
    /// How many have things to do all the time; the first is staff.
    pub count: usize,
    /// How many more come when there is a burst.
    pub crowd: usize,
    /// Milliseconds between two things that somebody does.
    pub think_ms: u64,
    /// The machine they are at.
    pub machine: MachineNumber,
    /// The network.
    pub net: Net,
    /// How calls are carried.
    pub fidelity: Fidelity,
    /// What they do is drawn from it.
    pub chance: Chance,
    /// What they are told goes there.
    pub recorder: Recorder,
    /// Right time.
    pub time: WorldTime,
    /// All that happens.
    pub trace: Trace,
    /// What is wanted of them.
    pub load: Load,
}

impl Guests {
    /// Lets everybody come, and do things until it is over.
    pub async fn run(mut self) {
        let mut chance = self.chance.fork();
        for number in 0..self.count + self.crowd {
            let guest = Guest::new(&self, number, chance.fork());
            drop(tokio::spawn(guest.live(number >= self.count)));
        }
        self.open_park().await;
        std::future::pending::<()>().await;
    }

    /// The operator opens slots with seats, and with places to be held.
    async fn open_concert(&self, operator: &mut Guest, venue: Value, park: &mut Park) {
        let post = |path: &str, body: Value| change("POST", path, body);
        let concert = json!({"venueId": venue, "kind": "event", "name": "Concert"});
        let concert = operator.insist(&post("/v1/resources", concert)).await;
        park.concert = concert["id"].as_u64().unwrap_or(0);
        let ends_soon = operator.chance.between(8..=60);
        let slots = json!([
            park.new_seated_slot(OPEN_SECONDS),
            park.new_seated_slot(ends_soon),
            park.new_slot(OPEN_SECONDS, operator.chance.between(1..=6)),
            park.new_slot(ends_soon, operator.chance.between(1..=6)),
        ]);
        let path = format!("/v1/resources/{}/slots", park.concert);
        let opened = operator.insist(&post(&path, slots)).await;
        let ids = opened.as_array().into_iter().flatten().filter_map(|slot| slot["id"].as_u64()).map(SlotId);
        let ids: Vec<SlotId> = ids.collect();
        (park.seated, park.standing) = (ids[..2].to_vec(), ids[2..].to_vec());
    }

    /// The operator opens slots that start soon, and says when their parties are reminded and given up.
    async fn open_tower(&self, operator: &mut Guest, venue: Value, park: &mut Park) {
        let tower = json!({"venueId": venue, "kind": "ride", "name": "Tower"});
        let tower = operator.insist(&change("POST", "/v1/resources", tower)).await;
        park.tower = tower["id"].as_u64().unwrap_or(0);
        let policy = day::policy(&mut operator.chance);
        operator.insist(&change("PUT", &format!("/v1/policies/resource/{}", park.tower), policy)).await;
        if operator.chance.percent(50) {
            let policy = json!({"notifyByEmail": true});
            operator.insist(&change("PUT", "/v1/policies/cluster", policy)).await;
        }
        let now_seconds = self.time.now_ms() / 1000;
        let slots: Vec<Value> = (0..DAYS)
            .map(|number| {
                let starts_seconds = now_seconds + operator.chance.between(1..=16);
                let seconds = operator.chance.between(4..=20);
                let capacity = if number == 0 { 60 } else { operator.chance.between(1..=8) };
                park.new_day(starts_seconds, seconds, capacity)
            })
            .collect();
        let path = format!("/v1/resources/{}/slots", park.tower);
        let opened = operator.insist(&change("POST", &path, Value::Array(slots))).await;
        let ids = opened.as_array().into_iter().flatten().filter_map(|slot| slot["id"].as_u64()).map(SlotId);
        park.days = ids.collect();
    }

    /// The operator opens slots.
    async fn open_park(&mut self) {
        let chance = self.chance.fork();
        let mut operator = Guest::new(self, usize::MAX, chance);
        let wish = sign_in::log_in(OPERATOR_EMAIL, OPERATOR_PASSWORD);
        let tokens = operator.insist(&wish).await;
        operator.accept(&tokens);
        let post = |path: &str, body: Value| change("POST", path, body);
        let venue = json!({
            "name": "Lake", "region": "North", "timeZone": "Europe/Berlin", "openAt": "08:00", "closeAt": "20:00"
        });
        let venue = operator.insist(&post("/v1/venues", venue)).await;
        let resource = json!({"venueId": venue["id"], "kind": "ride", "name": "Boat"});
        let resource = operator.insist(&post("/v1/resources", resource)).await;
        let mut park = Park { resource: resource["id"].as_u64().unwrap_or(0), ..Park::default() };
        // Those the history is about stay open; of the others some end soon.
        let slots: Vec<Value> = (0..2 * SLOTS)
            .map(|number| match number < SLOTS {
                true => park.new_slot(OPEN_SECONDS, operator.chance.between(1..=8)),
                false => park.new_slot(operator.chance.between(8..=60), operator.chance.between(1..=8)),
            })
            .collect();
        let path = format!("/v1/resources/{}/slots", park.resource);
        let opened = operator.insist(&post(&path, Value::Array(slots))).await;
        let ids = opened.as_array().into_iter().flatten().filter_map(|slot| slot["id"].as_u64()).map(SlotId);
        let ids: Vec<SlotId> = ids.collect();
        (park.recorded, park.changing) = (ids[..SLOTS].to_vec(), ids[SLOTS..].to_vec());
        self.open_concert(&mut operator, venue["id"].clone(), &mut park).await;
        self.open_tower(&mut operator, venue["id"].clone(), &mut park).await;
        let staff_id = loop {
            let known = self.load.inner.park.lock().unwrap_or_else(PoisonError::into_inner).take();
            match known {
                Some(known) => break known.resource,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let path = format!("/v1/users/{staff_id}/role");
        let role =
            Wish { method: "PUT", body: Some(json!({"role": "operator"})), ..post(&path, Value::Null) };
        operator.insist(&role).await;
        *self.load.inner.park.lock().unwrap_or_else(PoisonError::into_inner) = Some(park);
    }
}

/// A change that the operator asks for.
fn change(method: &'static str, path: &str, body: Value) -> Wish {
    Wish { method, path: path.to_owned(), body: Some(body), ..Wish::default() }
}
