//! A day of slots, with the world outside: reminders, codes, the entrance, no-shows, sinks that fail, and leaders that
//! change.

mod changes;
mod sinks;

use std::time::Duration;

use holdfast_model::SlotId;
use holdfast_processes::sinks::{ApnsSink, Authority, FcmPush, FcmSink, WebhookSink};
use holdfast_processes::{Guest, Park, Recorder, Stage, arrive, beside, give_role, raw_call, until};
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
        settings.push(("HOLDFAST_PUBLIC_URL", "https://tickets.example.com".to_owned()));
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let stage = Stage::start_with(3, &settings).await;
        let park = Park::open(&stage.operator).await;
        Self { stage, park, recorder: Recorder::default(), apns, fcm, hooks, _authority: authority }
    }

    /// Sets a policy.
    async fn decide(&self, scope: &str, fields: Value) {
        let path = format!("/v1/policies/{scope}");
        self.stage.operator.call(Method::PUT, &path, Some(fields)).await.unwrap().success().unwrap();
    }

    /// A slot that starts in so many seconds and lasts ten minutes.
    async fn slot_in(&self, seconds: i64, capacity: u64) -> SlotId {
        let starts_at = Timestamp::now() + SignedDuration::from_secs(seconds);
        let ends_at = starts_at + SignedDuration::from_mins(10);
        self.park.slot(&self.stage.operator, starts_at, ends_at, capacity).await
    }

    /// Has a webhook made for the sink; the answer is its id.
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

/// A moment as it is told.
fn moment(told: &Value) -> Timestamp {
    told.as_str().unwrap().parse().unwrap()
}

/// Whether a phone was told of something.
fn tells(kind: &str) -> impl Fn(&[FcmPush]) -> bool {
    move |all| all.iter().any(|push| push.message["data"]["type"] == kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_day_from_the_booking_to_the_gate_and_of_one_who_never_comes() {
    let _machine = beside().await;
    let world = World::begin().await;
    // Long enough for Ada to be scanned on a slow machine.
    world.decide(&format!("resource/{}", world.park.ride), json!({"noShowGraceSeconds": 12})).await;
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
    let told = world.fcm.seen.wait_until("Ben's reminder", tells("booking.ready")).await;
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

    // Ben never comes. His place is Cy's while the slot runs.
    until("Ben's place", PATIENCE, async || (world.status_of(&bens).await == "no_show").then_some(())).await;
    let cys = books(cy, slot).await;
    assert!(["confirmed", "ready"].contains(&world.status_of(&cys).await.as_str()));
    let told = world.fcm.seen.wait_until("that Ben was not there", tells("booking.no_show")).await;
    assert!(told.iter().all(|push| push.registration_token == "ben-phone"));

    let history = ada.api().get(&format!("/v1/bookings/{adas}/history")).await.unwrap();
    let kinds: Vec<&str> =
        history["items"].as_array().unwrap().iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(kinds, ["used", "ready", "confirmed"], "{history}");
    assert_eq!(moment(&again.json["usedAt"]), moment(&history["items"][0]["at"]), "{} {history}", again.json);
    world.stage.digest().await;
}
