//! What there is to be booked.

use holdfast_cluster::Api;
use holdfast_model::SlotId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Slots opened by one call.
const SLOTS_PER_CALL: usize = 500;

/// A venue with one ride.
#[derive(Clone, Copy, Debug)]
pub struct Park {
    /// The venue.
    pub venue: u64,
    /// The ride.
    pub ride: u64,
}

impl Park {
    /// Opens one.
    pub async fn open(operator: &Api) -> Self {
        let venue = json!({
            "name": "Park", "region": "-", "timeZone": "UTC", "openAt": "09:00", "closeAt": "22:00",
        });
        let venue = operator.post("/v1/venues", venue).await.unwrap()["id"].as_u64().unwrap();
        let ride = json!({"venueId": venue, "kind": "ride", "name": "Ride"});
        let ride = operator.post("/v1/resources", ride).await.unwrap()["id"].as_u64().unwrap();
        Self { venue, ride }
    }

    /// Opens a slot of each capacity, tomorrow, a minute each.
    pub async fn slots(&self, operator: &Api, capacities: &[u64]) -> Vec<SlotId> {
        let first = Timestamp::now() + SignedDuration::from_hours(24);
        let slots = capacities.iter().zip(0..).map(|(capacity, minute)| {
            let starts_at = first + SignedDuration::from_mins(minute);
            slot_body(starts_at, starts_at + SignedDuration::from_mins(1), *capacity)
        });
        let slots: Vec<Value> = slots.collect();
        let mut opened = Vec::new();
        for slots in slots.chunks(SLOTS_PER_CALL) {
            let path = format!("/v1/resources/{}/slots", self.ride);
            let answer = operator.post(&path, Value::from(slots)).await.unwrap();
            opened.extend(answer.as_array().unwrap().iter().map(|slot| SlotId(slot["id"].as_u64().unwrap())));
        }
        opened
    }

    /// Opens a slot in a window.
    pub async fn slot(
        &self,
        operator: &Api,
        starts_at: Timestamp,
        ends_at: Timestamp,
        capacity: u64,
    ) -> SlotId {
        let path = format!("/v1/resources/{}/slots", self.ride);
        let opened = operator.post(&path, slot_body(starts_at, ends_at, capacity)).await.unwrap();
        SlotId(opened["id"].as_u64().unwrap())
    }
}

fn slot_body(starts_at: Timestamp, ends_at: Timestamp, capacity: u64) -> Value {
    let pools = [json!({"name": "places", "capacity": capacity})];
    json!({"startTime": starts_at.to_string(), "endTime": ends_at.to_string(), "pools": pools})
}
