//! The sample park, brought into the cluster: whatever of it is not there yet.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::Api;
use crate::demo::fact;
use crate::failure::Failure;
use crate::park::{Park, Ride, Window};

/// The park as the cluster has it.
pub(super) struct OpenPark {
    pub(super) rides: Vec<OpenRide>,
    pub(super) windows: Vec<Window>,
}

pub(super) struct OpenRide {
    pub(super) id: u64,
    pub(super) name: String,
}

impl OpenPark {
    pub(super) fn last_window(&self) -> Window {
        self.windows.last().copied().unwrap_or_default()
    }
}

pub(super) async fn load(operator: &Api) -> Result<OpenPark, Failure> {
    let park = Park::sample()?;
    let windows = park.windows(Timestamp::now())?;
    let venue = match named(operator, "/v1/venues?limit=200", &park.name).await? {
        Some(venue) => venue,
        None => create_venue(operator, &park).await?,
    };
    let mut rides = Vec::new();
    let mut places = 0;
    for ride in &park.rides {
        let path = format!("/v1/resources?limit=200&venueId={venue}");
        let id = match named(operator, &path, &ride.name).await? {
            Some(id) => id,
            None => create_ride(operator, venue, ride).await?,
        };
        let capacity = park.capacity(ride);
        open_slots(operator, id, capacity, &windows).await?;
        places += capacity * windows.len() as u64;
        rides.push(OpenRide { id, name: ride.name.clone() });
    }
    fact(&format!(
        "{}: {} rides, {} slots, {places} places",
        park.name,
        rides.len(),
        rides.len() * windows.len()
    ));
    Ok(OpenPark { rides, windows })
}

/// The id of the object with a name, if it is in a list.
async fn named(operator: &Api, path: &str, name: &str) -> Result<Option<u64>, Failure> {
    let list = operator.get(path).await?;
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(items.iter().find(|item| item["name"] == name).and_then(|item| item["id"].as_u64()))
}

async fn create_venue(operator: &Api, park: &Park) -> Result<u64, Failure> {
    let venue = json!({
        "name": park.name,
        "region": park.region,
        "timeZone": park.time_zone,
        "openAt": park.open_at,
        "closeAt": park.close_at,
    });
    id_of(&operator.post("/v1/venues", venue).await?)
}

async fn create_ride(operator: &Api, venue: u64, ride: &Ride) -> Result<u64, Failure> {
    let resource = json!({"venueId": venue, "kind": "ride", "name": ride.name, "description": ride.kind});
    id_of(&operator.post("/v1/resources", resource).await?)
}

async fn open_slots(operator: &Api, ride: u64, capacity: u64, windows: &[Window]) -> Result<(), Failure> {
    let Some((from, _)) = windows.first() else { return Ok(()) };
    let path = format!("/v1/resources/{ride}/slots");
    let there = operator.get(&format!("{path}?limit=200&from={from}")).await?;
    let starts =
        there["items"].as_array().into_iter().flatten().filter_map(|slot| slot["startTime"].as_str());
    let starts: BTreeSet<&str> = starts.collect();
    let missing = windows.iter().filter(|(starts_at, _)| !starts.contains(starts_at.to_string().as_str()));
    let slots: Vec<Value> = missing.map(|window| slot(*window, capacity)).collect();
    if !slots.is_empty() {
        operator.post(&path, Value::Array(slots)).await?;
    }
    Ok(())
}

/// A slot to be opened, with one pool.
pub(super) fn slot((starts_at, ends_at): Window, capacity: u64) -> Value {
    json!({
        "startTime": starts_at.to_string(),
        "endTime": ends_at.to_string(),
        "pools": [{"name": "passes", "capacity": capacity}],
    })
}

pub(super) fn id_of(object: &Value) -> Result<u64, Failure> {
    object["id"].as_u64().ok_or_else(|| Failure::other(format!("this should have an id: {object}")))
}
