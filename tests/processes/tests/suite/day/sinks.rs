//! A receiver of webhooks that fails, stalls, loses answers or is gone: it gets everything in the end, in order, and costs
//! nobody anything meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holdfast_cluster::Api;
use holdfast_model::SlotId;
use holdfast_processes::sinks::{Hook, Plan};
use holdfast_processes::{Guest, alone, arrive, arrive_app, beside, until};
use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{PATIENCE, World, books};

/// A leader has so many messages of a channel under way at once.
const UNDER_WAY_MAX: usize = 32;

/// Those who book at once, and how often each does.
const CALLERS: usize = 20;
const CALLS: usize = 15;

/// What a booking comes to that is cancelled again.
const BOOKED_AND_CANCELLED: [&str; 2] = ["booking.confirmed", "booking.cancelled"];

/// So often in a row the sink is tried in vain and left alone: by then it has stalled for three quarters of a minute.
const OPENINGS: usize = 3;
const STALL_DURATION_MAX: Duration = Duration::from_secs(150);

/// What a node may need for all that waits: two megabytes for each call that stands still.
const MEMORY_BYTES_MAX: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_fails_stalls_and_loses_answers_gets_all_in_order_and_dead_letters_come_back() {
    let _machine = beside().await;
    let world = World::begin().await;
    let webhook = world.listens_to(&["booking.*"]).await;
    let slots = world.park.slots(&world.stage.operator, &[100]).await;
    let guests = arrive(&world.stage, &world.recorder, 2).await;
    world.hooks.plans.then([
        Plan::status(500),
        Plan::Lose,
        Plan::Stall,
        Plan::status(503),
        Plan::Lose,
        Plan::StallWithin { status: 500 },
    ]);
    let mut bookings = Vec::new();
    for guest in &guests {
        for _ in 0..6 {
            let booking = books(guest, slots[0]).await;
            let path = format!("/v1/bookings/{booking}");
            guest
                .api()
                .call(Method::PATCH, &path, Some(json!({"count": 2})))
                .await
                .unwrap()
                .success()
                .unwrap();
            guest.api().post(&format!("{path}/cancel"), json!({})).await.unwrap();
            bookings.push(booking.as_u64().unwrap());
        }
    }
    let expected = ["booking.confirmed", "booking.changed", "booking.cancelled"];
    let are_all_there = |seen: &[Hook]| taken(seen) == expected.len() * bookings.len();
    let seen = world.hooks.seen.wait_until("all three events of all bookings", are_all_there).await;
    assert_told_in_order(&seen, &bookings, &expected);
    assert_eq!(world.hooks.refused.all(), Vec::<String>::new());

    // The receiver says that it is gone: what was to go there is a dead letter until somebody sends it again.
    world.hooks.plans.then([Plan::status(410)]);
    let lost = books(&guests[0], slots[0]).await;
    let operator: &Api = &world.stage.operator;
    let letters = until("a dead letter", PATIENCE, async || {
        let letters = operator.get("/v1/dead-letters").await.unwrap();
        (!letters["items"].as_array().unwrap().is_empty()).then_some(letters)
    })
    .await;
    assert_eq!(letters["items"][0]["bookingId"], lost, "{letters}");
    let shown = operator.get(&format!("/v1/webhooks/{webhook}")).await.unwrap();
    assert_eq!(shown["status"], "disabled", "{shown}");
    operator.post(&format!("/v1/webhooks/{webhook}/enable"), json!({})).await.unwrap();
    let before = world.hooks.seen.all().last().unwrap().clone();
    assert!(before.body["data"]["bookingId"] == lost && !before.is_taken, "{before:?}");
    let replayed = operator.post("/v1/dead-letters/replay", json!({"webhookId": webhook})).await.unwrap();
    assert_eq!(replayed["replayed"], 1, "{replayed}");
    let is_back = |all: &[Hook]| all.iter().any(|hook| hook.id == before.id && hook.is_taken);
    let seen = world.hooks.seen.wait_until("the dead letter, under the id it had before", is_back).await;
    assert_eq!(seen.last().unwrap().body, before.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_stalls_costs_little_memory_holds_up_no_booking_and_gets_all_in_order() {
    let _machine = alone().await;
    let world = World::begin().await;
    world.listens_to(&["booking.*"]).await;
    let slot = world.park.slots(&world.stage.operator, &[1000]).await[0];
    let app = arrive_app(&world.stage, &world.recorder).await;
    let events = CALLERS * CALLS * BOOKED_AND_CANCELLED.len();
    let mut bookings = book_and_cancel(&app, slot).await;
    world.hooks.seen.wait_until("what the sink takes", |seen| taken(seen) == events).await;
    // Whatever nodes need for so many bookings and their events is there from now on.
    let nodes = 0..world.stage.cluster.nodes.len();
    let memory: Vec<u64> = nodes.clone().map(|node| world.stage.memory_bytes(node)).collect();
    let more = || {
        let more = nodes.clone().map(|node| world.stage.memory_bytes(node).saturating_sub(memory[node]));
        more.max().unwrap()
    };

    world.hooks.plans.always(Plan::Stall);
    let all_under_way = until("as many calls as there may be", PATIENCE, async || {
        (world.hooks.open_calls() >= UNDER_WAY_MAX).then_some(())
    });
    let (stalled, ()) = tokio::join!(book_and_cancel(&app, slot), all_under_way);
    let mut most = more();
    until("the sink is left alone again and again", STALL_DURATION_MAX, async || {
        most = most.max(more());
        let openings = |node| world.stage.log_of(node).matches("fails and is left alone").count();
        (nodes.clone().map(openings).sum::<usize>() >= OPENINGS).then_some(())
    })
    .await;
    assert_eq!(taken(&world.hooks.seen.all()), events, "it takes nothing");
    println!("a sink that stalls: {} KiB more", most >> 10);
    assert!(most <= MEMORY_BYTES_MAX, "a node needs {most} bytes for a sink that stalls");

    world.hooks.plans.no_more();
    let seen = world.hooks.seen.wait_until("all that has waited", |seen| taken(seen) == 2 * events).await;
    bookings.extend(stalled);
    assert_told_in_order(&seen, &bookings, &BOOKED_AND_CANCELLED);
    // The sink may see those end later that a leader, or the one before it, has given up.
    assert!(world.hooks.most_open_calls() <= 2 * UNDER_WAY_MAX, "{} at once", world.hooks.most_open_calls());
    assert_eq!(world.hooks.refused.all(), Vec::<String>::new());
    world.stage.digest().await;
}

/// Books places and gives them back, again and again, for many callers at once. All of it is acknowledged.
async fn book_and_cancel(app: &Guest, slot: SlotId) -> Vec<u64> {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let api = app.api();
        callers.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..CALLS {
                let booking = api.post("/v1/bookings", json!({"slotId": slot.0})).await.unwrap();
                let id = booking["id"].as_u64().unwrap();
                api.post(&format!("/v1/bookings/{id}/cancel"), json!({})).await.unwrap();
                made.push(id);
            }
            made
        });
    }
    callers.join_all().await.into_iter().flatten().collect()
}

/// How many events were taken; one that came again counts once.
fn taken(seen: &[Hook]) -> usize {
    let ids: BTreeSet<&str> = seen.iter().filter(|hook| hook.is_taken).map(|hook| hook.id.as_str()).collect();
    ids.len()
}

/// Makes sure that the sink took the same of each booking, in order, and saw nothing of it before it had taken what was
/// before.
fn assert_told_in_order(seen: &[Hook], bookings: &[u64], kinds: &[&str]) {
    assert_one_after_the_other(seen);
    let arrivals = arrivals(seen);
    assert_eq!(arrivals.keys().collect::<BTreeSet<_>>(), bookings.iter().collect::<BTreeSet<_>>());
    for (booking, told) in arrivals {
        assert_eq!(told, kinds, "of booking {booking}");
    }
}

/// What was taken of each booking, in the order in which it was taken first.
fn arrivals(seen: &[Hook]) -> BTreeMap<u64, Vec<&str>> {
    let mut known = BTreeSet::new();
    let mut by_booking: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for hook in seen.iter().filter(|hook| hook.is_taken && known.insert(&hook.id)) {
        by_booking.entry(booking_of(hook)).or_default().push(hook.body["type"].as_str().unwrap());
    }
    by_booking
}

fn assert_one_after_the_other(seen: &[Hook]) {
    let mut known = BTreeSet::new();
    // Of each booking, what was seen and not taken.
    let mut waiting: BTreeMap<u64, &str> = BTreeMap::new();
    for hook in seen {
        let (booking, id) = (booking_of(hook), hook.id.as_str());
        if known.insert(id) {
            let before = waiting.insert(booking, id);
            assert_eq!(before, None, "{id} of booking {booking} came before this was taken");
        }
        if hook.is_taken && waiting.get(&booking) == Some(&id) {
            waiting.remove(&booking);
        }
    }
}

fn booking_of(hook: &Hook) -> u64 {
    let booking: &Value = &hook.body["data"]["bookingId"];
    booking.as_u64().unwrap()
}
