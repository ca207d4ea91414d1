//! Payments in two phases: what is to be paid is agreed upon, the provider says that it was, and the booking is there.

use std::time::Duration;

use holdfast_processes::{Guest, Park, Provider, Recorder, Stage, arrive, beside, until};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A cluster that knows a provider, with a slot of four seats.
struct Scene {
    stage: Stage,
    provider: Provider,
    guest: Guest,
    other: Guest,
    slot: u64,
    _secrets: tempfile::NamedTempFile,
}

impl Scene {
    async fn open() -> Self {
        let provider = Provider::new(Vec::new());
        let secrets = tempfile::NamedTempFile::new().unwrap();
        let former = Provider::new(Vec::new()).secret();
        std::fs::write(secrets.path(), format!("{former}\n{}\n", provider.secret())).unwrap();
        let file = secrets.path().to_str().unwrap();
        let stage = Stage::start_with(3, &[("HOLDFAST_PAYMENTS_WEBHOOK_SECRETS_FILE", file)]).await;
        let park = Park::open(&stage.operator).await;
        let starts_at = Timestamp::now() + SignedDuration::from_hours(24);
        let body = json!({
            "startTime": starts_at.to_string(),
            "endTime": (starts_at + SignedDuration::from_hours(1)).to_string(),
            "pools": [{"name": "seats", "seatCount": 4, "price": 4500, "currency": "EUR"}],
        });
        let opened = stage.operator.post(&format!("/v1/resources/{}/slots", park.ride), body).await.unwrap();
        let mut guests = arrive(&stage, &Recorder::default(), 2).await;
        let (other, guest) = (guests.remove(1), guests.remove(0));
        let provider = provider.at(stage.addresses());
        Self { slot: opened["id"].as_u64().unwrap(), stage, provider, guest, other, _secrets: secrets }
    }

    async fn hold(&self, guest: &Guest, seconds: u64) -> u64 {
        let body = json!({"slotId": self.slot, "bestAvailable": 1, "hold": true, "holdSeconds": seconds});
        guest.api().post("/v1/bookings", body).await.unwrap()["id"].as_u64().unwrap()
    }

    /// What is to be paid, and under which reference.
    async fn start_payment(&self, guest: &Guest, booking: u64) -> String {
        let body = json!({"amount": 4500, "currency": "EUR"});
        let started = guest.api().post(&format!("/v1/bookings/{booking}/payment"), body).await.unwrap();
        assert_eq!((&started["payment"]["status"], &started["status"]), (&json!("pending"), &json!("held")));
        started["payment"]["reference"].as_str().unwrap().to_owned()
    }

    async fn booking(&self, guest: &Guest, id: u64) -> Value {
        guest.api().get(&format!("/v1/bookings/{id}")).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_confirms_what_was_paid_and_says_so_as_often_as_it_likes() {
    let _machine = beside().await;
    let scene = Scene::open().await;
    let booking = scene.hold(&scene.guest, 600).await;
    let reference = scene.start_payment(&scene.guest, booking).await;
    let told = scene.provider.fails(&reference, "card declined").await;
    assert_eq!(
        (told.status, &told.json["payment"]["reason"]),
        (200, &json!("card declined")),
        "{}",
        told.json
    );
    assert_eq!(scene.booking(&scene.guest, booking).await["status"], "held", "he may try another card");

    let reference = scene.start_payment(&scene.guest, booking).await;
    let wrong = scene.provider.succeeds(&reference, 1).await;
    assert_eq!((wrong.status, wrong.code()), (409, "payment_mismatch"), "{}", wrong.json);
    let told = scene.provider.succeeds(&reference, 4500).await;
    assert_eq!(told.status, 200, "{}", told.json);
    let seen = scene.booking(&scene.guest, booking).await;
    assert_eq!(
        (&seen["status"], &seen["payment"]["status"]),
        (&json!("confirmed"), &json!("paid")),
        "{seen}"
    );

    let unknown = scene.provider.succeeds("pay-nothing", 4500).await;
    assert_eq!((unknown.status, unknown.code()), (404, "payment_not_found"), "{}", unknown.json);
    scene.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_confirms_without_the_signature_of_a_provider() {
    let _machine = beside().await;
    let scene = Scene::open().await;
    let booking = scene.hold(&scene.guest, 600).await;
    let reference = scene.start_payment(&scene.guest, booking).await;
    let now = Timestamp::now().as_second();
    let forger = Provider::new(scene.stage.addresses());
    let refusals = [
        forger.attempt(&reference, now, |right| right).await,
        scene.provider.attempt(&reference, now - 3600, |right| right).await,
        scene.provider.attempt(&reference, now, |_| "v1,AAAA".to_owned()).await,
        scene.provider.attempt(&reference, now, |right| right.replacen("v1,", "v2,", 1)).await,
        scene.provider.attempt(&reference, now, |_| String::new()).await,
    ];
    for refused in refusals {
        assert_eq!((refused.status, refused.code()), (401, "bad_signature"), "{}", refused.json);
    }
    assert_eq!(scene.booking(&scene.guest, booking).await["status"], "held");
    let told = scene.provider.attempt(&reference, now, |right| format!("v1,AAAA {right}")).await;
    assert_eq!(told.status, 200, "one of the signatures is right: {}", told.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_too_late_is_refused_unless_the_places_may_be_taken_again() {
    let _machine = beside().await;
    let scene = Scene::open().await;
    let late = scene.hold(&scene.guest, 1).await;
    let reference = scene.start_payment(&scene.guest, late).await;
    is_expired(&scene, late).await;
    let told = scene.provider.succeeds(&reference, 4500).await;
    assert_eq!((told.status, &told.json["payment"]["status"]), (200, &json!("refused")), "{}", told.json);
    assert_eq!(scene.booking(&scene.guest, late).await["status"], "expired");

    let policy = json!({"latePaymentSeconds": 600});
    let path = format!("/v1/policies/slot/{}", scene.slot);
    scene.stage.operator.call(Method::PUT, &path, Some(policy)).await.unwrap().success().unwrap();
    let late = scene.hold(&scene.guest, 1).await;
    let reference = scene.start_payment(&scene.guest, late).await;
    is_expired(&scene, late).await;
    let told = scene.provider.succeeds(&reference, 4500).await;
    assert_eq!((told.status, &told.json["status"]), (200, &json!("confirmed")), "{}", told.json);

    let late = scene.hold(&scene.guest, 1).await;
    let reference = scene.start_payment(&scene.guest, late).await;
    is_expired(&scene, late).await;
    let all = json!({"slotId": scene.slot, "bestAvailable": 3});
    scene.other.api().post("/v1/bookings", all).await.unwrap();
    let told = scene.provider.succeeds(&reference, 4500).await;
    assert_eq!(&told.json["payment"]["status"], "refused", "somebody else has the places: {}", told.json);
    scene.stage.digest().await;
}

async fn is_expired(scene: &Scene, booking: u64) {
    until("the hold to expire", Duration::from_secs(10), async || {
        (scene.booking(&scene.guest, booking).await["status"] == "expired").then_some(())
    })
    .await;
}
