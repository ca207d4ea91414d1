//! Seed S0, FastPass: six endpoints under `/rides`, and what happens by itself as the day goes on.

mod bookings;
mod day;
mod entities;
mod gate;
mod history;
mod phones;
mod pictures;
mod refusals;

use holdfast_processes::Park;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::walk::Walk;

/// A ride, and four windows: `now` has begun, `soon` and `later` are to come, `small` has two places. The word `now` is the
/// window as bodies name it, `now_from` and `now_to` are its moments; so for the others. Mia and Tom are guests, Sam is a
/// cast member.
async fn open_park() -> Walk {
    open_park_in(Walk::open().await).await
}

async fn open_park_in(mut walk: Walk) -> Walk {
    let park = Park::open(&walk.stage.operator).await;
    walk.knows("ride", park.ride);
    walk.knows("venue", park.venue);
    for (name, minutes, capacity) in
        [("now", -1, 20), ("soon", 120, 20), ("later", 1440, 5), ("small", 2880, 2)]
    {
        let first = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let starts_at = first + SignedDuration::from_mins(minutes);
        open_window(&mut walk, park, name, (starts_at, SignedDuration::from_hours(1)), capacity).await;
    }
    walk.arrives("mia").await;
    walk.arrives("tom").await;
    walk.serves("sam", "staff").await;
    walk
}

/// Another window of the ride, that lasts from so many seconds from now to so many, or a little later: moments are
/// whole seconds. When it starts and ends.
async fn open_window_in(walk: &mut Walk, name: &str, seconds: (i64, i64), capacity: u64) -> [Timestamp; 2] {
    let park = Park { venue: walk.number("venue"), ride: walk.number("ride") };
    let now = Timestamp::from_second(Timestamp::now().as_second() + 1).unwrap();
    let (starts_at, length) = (now + SignedDuration::from_secs(seconds.0), seconds.1 - seconds.0);
    open_window(walk, park, name, (starts_at, SignedDuration::from_secs(length)), capacity).await;
    [starts_at, starts_at + SignedDuration::from_secs(length)]
}

/// A window of a ride; `NAME_slot` is its slot on `/v1`.
async fn open_window(
    walk: &mut Walk,
    park: Park,
    name: &str,
    (starts_at, length): (Timestamp, SignedDuration),
    capacity: u64,
) {
    let ends_at = starts_at + length;
    let slot = park.slot(&walk.stage.operator, starts_at, ends_at, capacity).await;
    let (from, to) = (json!(starts_at.to_string()), json!(ends_at.to_string()));
    walk.knows(name, format!(r#""startTime":{from},"endTime":{to}"#));
    walk.knows(&format!("{name}_from"), from);
    walk.knows(&format!("{name}_to"), to);
    walk.knows(&format!("{name}_slot"), slot.0);
}
