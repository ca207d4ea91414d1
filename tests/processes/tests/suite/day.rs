//! A day of slots, with the world outside: reminders, codes, the entrance, no-shows, and sinks that fail.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holdfast_cluster::Api;
use holdfast_model::SlotId;
use holdfast_processes::sinks::{ApnsSink, Authority, FcmSink, Hook, Plan, WebhookSink};
use holdfast_processes::{
    Guest, Park, Recorder, Stage, arrive, beside, fresh_key, give_role, raw_call, until,
};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// A secret that nobody has: the sink learns the right one when the webhook is made.
const NOBODYS: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Three nodes that send to sinks of their own.
struct World {
    stage: Stage,
    park: Park,
    recorder: Recorder,
    apns: ApnsSink,
    fcm: FcmSink,
    hooks: WebhookSink,
    _authority: Authority,
}

impl World {
    async fn begin() -> Self {
        let authority = Authority::new();
        let (apns, fcm) = (ApnsSink::start(&authority).await, FcmSink::start(&authority).await);
        let hooks = WebhookSink::start(&authority, NOBODYS).await;
        let mut settings = apns.environment();
        settings.extend(fcm.environment());
        settings.push(("HOLDFAST_NOTIFICATIONS_CA_FILE", authority.ca_file().display().to_string()));
        settings.push(("HOLDFAST_WEBHOOKS_ALLOW_PRIVATE", "true".to_owned()));
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let stage = Stage::start_with(3, &settings).await;
        let park = Park::open(&stage.operator).await;
        Self { stage, park, recorder: Recorder::default(), apns, fcm, hooks, _authority: authority }
    }

    /// What parties that do not come are given after the start.
    async fn decide(&self, fields: Value) {
        let path = format!("/v1/policies/resource/{}", self.park.ride);
        self.stage.operator.call(Method::PUT, &path, Some(fields)).await.unwrap().success().unwrap();
    }

    /// A slot that starts in so many seconds and lasts ten minutes.
    async fn slot_in(&self, seconds: i64, capacity: u64) -> SlotId {
        let starts_at = Timestamp::now() + SignedDuration::from_secs(seconds);
        let ends_at = starts_at + SignedDuration::from_mins(10);
        self.park.slot(&self.stage.operator, starts_at, ends_at, capacity).await
    }

    async fn listens_to(&self, kinds: &[&str]) -> u64 {
        let wish = json!({"url": self.hooks.url(), "kinds": kinds});
        let made = self.stage.operator.post("/v1/webhooks", wish).await.unwrap();
        self.hooks.learn(made["secret"].as_str().unwrap());
        made["id"].as_u64().unwrap()
    }

    async fn status_of(&self, booking: &Value) -> String {
        let shown = self.stage.operator.get(&format!("/v1/bookings/{booking}")).await.unwrap();
        shown["status"].as_str().unwrap().to_owned()
    }
}

async fn books(guest: &Guest, slot: SlotId) -> Value {
    guest.api().post("/v1/bookings", json!({"slotId": slot.0})).await.unwrap()["id"].clone()
}

async fn registers(guest: &Guest, platform: &str, token: &str) {
    let device = json!({"platform": platform, "token": token, "language": "de"});
    guest.api().post("/v1/devices", device).await.unwrap();
}

/// Devices of Apple are called by hexadecimal digits.
fn apple_token(number: u64) -> String {
    format!("{number:064x}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_day_from_the_booking_to_the_gate_and_of_one_who_never_comes() {
    let _machine = beside().await;
    let world = World::begin().await;
    world.decide(json!({"noShowGraceSeconds": 2})).await;
    let guests = arrive(&world.stage, &world.recorder, 4).await;
    let [ada, ben, cy, staff] = guests.as_slice() else { unreachable!() };
    give_role(&world.stage, staff.user, "staff").await;
    registers(ada, "apns", &apple_token(1)).await;
    registers(ben, "fcm", "ben-phone").await;

    let slot = world.slot_in(4, 2).await;
    let (adas, bens) = (books(ada, slot).await, books(ben, slot).await);
    let full = cy.api().call(Method::POST, "/v1/bookings", Some(json!({"slotId": slot.0}))).await.unwrap();
    assert_eq!(full.code(), "slot_full", "{}", full.json);

    // Both are told, each at his own phone, each event once in the state.
    let pushed = world
        .apns
        .seen
        .wait_until("Ada's reminder", |all| all.iter().any(|push| push.payload["type"] == "booking.ready"))
        .await;
    assert!(pushed.iter().all(|push| push.device_token == apple_token(1)));
    let reminder = pushed.iter().find(|push| push.payload["type"] == "booking.ready").unwrap();
    let link = reminder.payload["codeUrl"].as_str().unwrap();
    let (_, path) = link.split_once("/q/").unwrap();
    let image = format!("GET /q/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let drawn = raw_call(&world.stage.address(0), image.as_bytes()).await;
    assert_eq!((drawn.status, drawn.header("content-type")), (200, "image/png"), "{link}");
    let told = world.fcm.seen.wait_until("Ben's reminder", |all| all.len() >= 2).await;
    assert!(told.iter().all(|push| push.registration_token == "ben-phone"));
    assert_eq!(world.status_of(&adas).await, "ready");
    assert_eq!((world.apns.refused.all(), world.fcm.refused.all()), (vec![], vec![]));

    let code = ada.api().get(&format!("/v1/bookings/{adas}/code")).await.unwrap();
    let scan = json!({"token": code["token"], "nonce": "gate-1-0001", "place": "Gate 1"});
    let path = format!("/v1/bookings/{adas}/check-in");
    let scanner = staff.api();
    let admitted = until("the start of the slot", PATIENCE, async || {
        let reply = scanner.call(Method::POST, &path, Some(scan.clone())).await.unwrap();
        (reply.code() != "too_early").then_some(reply)
    })
    .await;
    assert_eq!(admitted.json["status"], "used", "{}", admitted.json);
    let same = scanner.call(Method::POST, &path, Some(scan.clone())).await.unwrap();
    assert_eq!((same.status, &same.json["status"]), (200, &json!("used")), "the same scan again");
    let other = json!({"token": code["token"], "nonce": "gate-2-0001", "place": "Gate 2"});
    let again = scanner.call(Method::POST, &path, Some(other)).await.unwrap();
    assert_eq!((again.status, again.code()), (409, "already_used"), "{}", again.json);
    assert_eq!(again.json["usedPlace"], "Gate 1", "{}", again.json);
    assert!(again.json["usedAt"].is_string(), "{}", again.json);

    // Ben never comes. His place is Cy's while the slot runs.
    let cys = until("Ben's place", PATIENCE, async || {
        let wish = Some(json!({"slotId": slot.0}));
        let reply = cy.api().call(Method::POST, "/v1/bookings", wish).await.unwrap();
        (reply.status == 201).then(|| reply.json["id"].clone())
    })
    .await;
    assert_eq!(world.status_of(&bens).await, "no_show");
    assert!(["confirmed", "ready"].contains(&world.status_of(&cys).await.as_str()));
    world.fcm.seen.wait_until("that Ben was not there", |all| all.len() >= 3).await;

    let history = ada.api().get(&format!("/v1/bookings/{adas}/history")).await.unwrap();
    let kinds: Vec<&str> =
        history["items"].as_array().unwrap().iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(kinds, ["used", "ready", "confirmed"], "{history}");
    world.stage.digest().await;
}

/// What came for each booking, in the order of its first arrivals.
fn arrivals(seen: &[Hook]) -> BTreeMap<u64, Vec<(String, String)>> {
    let mut known = BTreeSet::new();
    let mut by_booking: BTreeMap<u64, Vec<(String, String)>> = BTreeMap::new();
    for hook in seen.iter().filter(|hook| known.insert(hook.id.clone())) {
        let booking = hook.body["data"]["bookingId"].as_u64().unwrap();
        let kind = hook.body["type"].as_str().unwrap().to_owned();
        by_booking.entry(booking).or_default().push((kind, hook.id.clone()));
    }
    by_booking
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_fails_stalls_and_loses_answers_gets_all_in_order_and_dead_letters_come_back() {
    let _machine = beside().await;
    let world = World::begin().await;
    let webhook = world.listens_to(&["booking.*"]).await;
    let slots = world.park.slots(&world.stage.operator, &[100]).await;
    let guests = arrive(&world.stage, &world.recorder, 2).await;
    world.hooks.plans.then([Plan::status(500), Plan::Lose, Plan::Stall, Plan::status(503), Plan::Lose]);
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
    let all = |seen: &[Hook]| {
        let arrivals = arrivals(seen);
        bookings.iter().all(|booking| arrivals.get(booking).is_some_and(|all| all.len() == 3))
    };
    let seen = world.hooks.seen.wait_until("all three events of all bookings", all).await;
    for (booking, told) in arrivals(&seen) {
        let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, expected, "of booking {booking}");
    }
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
    let replayed = operator.post("/v1/dead-letters/replay", json!({"webhookId": webhook})).await.unwrap();
    assert_eq!(replayed["replayed"], 1, "{replayed}");
    let lost = lost.as_u64().unwrap();
    let seen = world
        .hooks
        .seen
        .wait_until("the dead letter", |all| all.iter().filter(|hook| hook.id == before.id).count() >= 2)
        .await;
    assert_eq!(seen.last().unwrap().body["data"]["bookingId"], lost, "under the id it had before");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_leader_changes_during_a_thousand_reminders_and_a_thousand_holds() {
    const HOLD_SECONDS: u64 = 20;
    let _machine = beside().await;
    let world = World::begin().await;
    let guests = arrive(&world.stage, &world.recorder, 1).await;
    let app = holdfast_processes::arrive_app(&world.stage, &world.recorder).await;
    registers(&guests[0], "apns", &apple_token(7)).await;
    let far = world.park.slots(&world.stage.operator, &[1000]).await[0];
    // Ready fifteen minutes before it starts, which is some seconds from now.
    let soon = world.slot_in(15 * 60 + 8, 1000).await;
    let user = guests[0].user.0;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let app = app.another();
        calls.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..50 {
                let wish = json!({"slotId": soon.0, "userId": user});
                let reply =
                    app.api().call_with_key(Method::POST, "/v1/bookings", Some(wish), &fresh_key()).await;
                made.push(reply.unwrap().json["id"].as_u64().unwrap());
            }
            made
        });
    }
    let reminded: BTreeSet<u64> = calls.join_all().await.into_iter().flatten().collect();
    assert_eq!(reminded.len(), 1000);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let app = app.another();
        calls.spawn(async move {
            let mut asked = Vec::new();
            for _ in 0..50 {
                let wish = json!({"slotId": far.0, "hold": true, "holdSeconds": HOLD_SECONDS});
                let at = Timestamp::now();
                let reply =
                    app.api().call_with_key(Method::POST, "/v1/bookings", Some(wish), &fresh_key()).await;
                asked.push((reply.unwrap().json["id"].as_u64().unwrap(), at));
            }
            asked
        });
    }
    let held: Vec<(u64, Timestamp)> = calls.join_all().await.into_iter().flatten().collect();

    for _ in 0..10 {
        let before = world.stage.cluster.leader().await.unwrap();
        world.stage.operator.post("/v1/cluster/transfer", json!({})).await.unwrap();
        until("another leader", PATIENCE, async || {
            let now = world.stage.cluster.leader().await.ok()?;
            (now != before).then_some(())
        })
        .await;
    }

    let is_of = |push: &holdfast_processes::sinks::Push, kind: &str| push.payload["type"] == kind;
    world
        .apns
        .seen
        .wait_until("a thousand reminders", |all| {
            let of: BTreeSet<_> =
                all.iter().filter(|push| is_of(push, "booking.ready")).map(|push| push.id).collect();
            of.len() == 1000
        })
        .await;
    // The sink refuses an event under two ids, and two events under one.
    assert_eq!(world.apns.refused.all(), Vec::<String>::new());
    let operator = &world.stage.operator;
    let mut after = String::new();
    let mut ready = BTreeSet::new();
    loop {
        let page = operator.get(&format!("/v1/bookings?slotId={}&limit=200{after}", soon.0)).await.unwrap();
        for booking in page["items"].as_array().unwrap() {
            assert_eq!((&booking["status"], &booking["version"]), (&json!("ready"), &json!(2)), "{booking}");
            ready.insert(booking["id"].as_u64().unwrap());
        }
        let Some(next) = page["next"].as_u64() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(ready, reminded);

    let last = held.iter().map(|(_, at)| *at).max().unwrap();
    let ended_at = until("the end of all holds", Duration::from_secs(60), async || {
        let shown = operator.get(&format!("/v1/slots/{}", far.0)).await.unwrap();
        (shown["pools"][0]["held"] == 0).then(Timestamp::now)
    })
    .await;
    let longest = (ended_at - last).total(jiff::Unit::Second).unwrap();
    assert!(longest < HOLD_SECONDS as f64 + 3.0, "the last hold was there for {longest} s");
    let mut pages = String::new();
    loop {
        let page = operator.get(&format!("/v1/bookings?slotId={}&limit=200{pages}", far.0)).await.unwrap();
        for booking in page["items"].as_array().unwrap() {
            let (id, status) = (booking["id"].as_u64().unwrap(), booking["status"].as_str().unwrap());
            assert_eq!((status, &booking["version"]), ("expired", &json!(2)), "{booking}");
            let (_, asked_at) = held.iter().find(|(held, _)| *held == id).unwrap();
            let history = operator.get(&format!("/v1/bookings/{id}/history")).await.unwrap();
            let items = history["items"].as_array().unwrap();
            let at: Timestamp = items.first().unwrap()["at"].as_str().unwrap().parse().unwrap();
            let lasted = (at - *asked_at).total(jiff::Unit::Second).unwrap();
            // Agreed time is told in whole milliseconds, and the request was sent within one.
            assert!(lasted > HOLD_SECONDS as f64 - 0.001, "{id} was held for {lasted} s: {history}");
        }
        let Some(next) = page["next"].as_u64() else { break };
        pages = format!("&after={next}");
    }
    world.stage.digest().await;
}
