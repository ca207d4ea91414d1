//! A slot's day in some seconds: it is ready, one guest comes, another never does, and a third has his place.

use std::time::{Duration, Instant};

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::demo::guests::{Guest, fresh_key};
use crate::demo::loading::{OpenPark, id_of, slot};
use crate::demo::{Stage, check, fact};
use crate::failure::Failure;

/// How soon the slot starts.
const LEAD: SignedDuration = SignedDuration::from_secs(4);

/// So long after the start a party is released that has not come.
const GRACE_SECONDS: u64 = 3;

/// Whatever is due happens by then.
const PATIENCE_DURATION: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE_DURATION: Duration = Duration::from_millis(100);

pub(super) async fn play(stage: &Stage, park: &OpenPark) -> Result<(), Failure> {
    let ride = park.rides[park.rides.len() - 1].id;
    let grace = json!({"noShowGraceSeconds": GRACE_SECONDS});
    let path = format!("/v1/policies/resource/{ride}");
    stage.operator.call(Method::PUT, &path, Some(grace)).await?.success()?;
    let starts_at = Timestamp::now() + LEAD;
    let window = (starts_at, starts_at + SignedDuration::from_mins(30));
    let opened = stage.operator.post(&format!("/v1/resources/{ride}/slots"), slot(window, 2)).await?;
    let slot = id_of(&opened)?;

    let endpoints = stage.cluster.endpoints();
    let (bo, cy, di) = (
        Guest::arrive(&endpoints, "Bo").await?,
        Guest::arrive(&endpoints, "Cy").await?,
        Guest::arrive(&endpoints, "Di").await?,
    );
    let (bos, cys) = (books(&bo, slot).await?, books(&cy, slot).await?);
    fact(&format!("slot {slot} has two places and starts in {} s; Bo and Cy book them", LEAD.as_secs()));
    becomes(&bo, bos, "ready").await?;
    becomes(&cy, cys, "ready").await?;
    fact(
        "both are ready; phones, mailboxes and webhooks hear of it where there are any (docs/guide/notifications.md)",
    );

    let code = bo.get(&format!("/v1/bookings/{bos}/code")).await?;
    let scan = |nonce: &str, place: &str| json!({"token": code["token"], "nonce": nonce, "place": place});
    let path = format!("/v1/bookings/{bos}/check-in");
    let early = stage.operator.call(Method::POST, &path, Some(scan("1", "Gate 1"))).await?;
    if early.status != 200 {
        check(early.code() == "too_early", || format!("an early scan was answered {}", early.json))?;
        fact("Bo is early, and is told when the gate opens");
    }
    let began_at = Instant::now();
    while stage.operator.call(Method::POST, &path, Some(scan("1", "Gate 1"))).await?.status != 200 {
        check(began_at.elapsed() < PATIENCE_DURATION, || "Bo is never admitted".to_owned())?;
        tokio::time::sleep(PAUSE_DURATION).await;
    }
    let second = stage.operator.call(Method::POST, &path, Some(scan("2", "Gate 2"))).await?;
    check(second.code() == "already_used", || format!("a second scan was answered {}", second.json))?;
    fact(&format!(
        "Bo is admitted; his code, shown again at gate 2, was used at {} {}",
        second.json["usedPlace"], second.json["usedAt"]
    ));

    becomes(&cy, cys, "no_show").await?;
    let dis = books(&di, slot).await?;
    fact(&format!("Cy has not come {GRACE_SECONDS} s after the start: his place is Di's, booking {dis}"));

    let report = stage.operator.get(&format!("/v1/reports/slots?resourceId={ride}&from={starts_at}")).await?;
    let row = &report["items"][0];
    let is_told = row["used"] == 1 && row["noShows"] == 1 && row["noShowRate"] == 0.5;
    check(is_told, || format!("the report does not say so: {report}"))?;
    fact(&format!(
        "the report of the slot: utilisation {}, no-show rate {}",
        row["utilisation"], row["noShowRate"]
    ));
    Ok(())
}

async fn books(guest: &Guest, slot: u64) -> Result<u64, Failure> {
    let wish = json!({"slotId": slot});
    id_of(&guest.insist(Method::POST, "/v1/bookings", wish, &fresh_key()).await?.success()?)
}

/// Waits until a booking is in a state.
async fn becomes(guest: &Guest, booking: u64, status: &str) -> Result<(), Failure> {
    let began_at = Instant::now();
    loop {
        let shown: Value = guest.get(&format!("/v1/bookings/{booking}")).await?;
        if shown["status"] == status {
            return Ok(());
        }
        check(began_at.elapsed() < PATIENCE_DURATION, || format!("it never becomes {status}: {shown}"))?;
        tokio::time::sleep(PAUSE_DURATION).await;
    }
}
