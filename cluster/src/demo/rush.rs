//! More guests than places, all at once.

use hyper::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::demo::guests::{Guest, fresh_key};
use crate::demo::loading::{OpenPark, id_of, slot};
use crate::demo::{Stage, check, fact};
use crate::failure::Failure;

const GUESTS: usize = 40;
const PLACES: u64 = 12;

pub(super) async fn play(stage: &Stage, park: &OpenPark) -> Result<Vec<Guest>, Failure> {
    let guests = arrive(stage).await?;
    let ride = &park.rides[2];
    let (_, starts_at) = park.last_window();
    let window = (starts_at, starts_at + SignedDuration::from_mins(30));
    let slots = Value::Array(vec![slot(window, PLACES)]);
    let opened = stage.operator.post(&format!("/v1/resources/{}/slots", ride.id), slots).await?;
    let slot = id_of(&opened[0])?;

    let mut rush = JoinSet::new();
    for (number, guest) in guests.iter().enumerate() {
        let guest = guest.at(number);
        rush.spawn(async move {
            guest.insist(Method::POST, "/v1/bookings", json!({"slotId": slot}), &fresh_key()).await
        });
    }
    let (mut booked, mut refused) = (0, 0);
    for answer in rush.join_all().await {
        let answer = answer?;
        match (answer.status, answer.code()) {
            (201, _) => booked += 1,
            (409, "slot_full") => refused += 1,
            (status, _) => {
                return Err(Failure::Unhealthy(format!("a guest was told {status}: {}", answer.json)));
            }
        }
    }
    let pool = stage.operator.get(&format!("/v1/slots/{slot}")).await?["pools"][0].clone();
    check(booked == PLACES && pool["confirmed"] == PLACES && pool["available"] == 0, || {
        format!("{booked} guests were told they have one of {PLACES} places, and the pool says {pool}")
    })?;
    fact(&format!("{GUESTS} guests on all nodes want {PLACES} places of {}'s last ride", ride.name));
    fact(&format!("{booked} have one, {refused} are told that it is full; the counters say the same"));
    Ok(guests)
}

async fn arrive(stage: &Stage) -> Result<Vec<Guest>, Failure> {
    let endpoints = stage.cluster.endpoints();
    let mut arriving = JoinSet::new();
    for number in 0..GUESTS {
        let mut endpoints = endpoints.clone();
        let count = endpoints.len();
        endpoints.rotate_left(number % count);
        arriving.spawn(async move { Guest::arrive(&endpoints, &format!("Guest{number}")).await });
    }
    arriving.join_all().await.into_iter().collect()
}
