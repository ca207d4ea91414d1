//! Seed S0, FastPass: six endpoints under `/rides`. What needs the scheduler (ready, no-show, reminders) is elsewhere.

mod bookings;
mod gate;
mod history;
mod refusals;

use holdfast_processes::Park;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::walk::Walk;

/// A ride, and four windows: `now` has begun, `soon` and `later` are to come, `small` has two places. The word `now` is the
/// window as bodies name it, `now_from` and `now_to` are its moments; so for the others. Mia and Tom are guests, Sam is a
/// cast member.
async fn open_park() -> Walk {
    let mut walk = Walk::open().await;
    let park = Park::open(&walk.stage.operator).await;
    walk.knows("ride", park.ride);
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
