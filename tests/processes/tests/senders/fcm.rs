//! Firebase Cloud Messaging.

use std::time::Duration;

use holdfast_leader::senders::{Delivery, Fcm, FcmSettings, Message, Sender as _, Settings, Target};
use holdfast_processes::sinks::{Authority, FcmSink, Plan};
use serde_json::json;

use crate::scene::{again_after, assert_gone, assert_refused, impatient, message, pass, settings, why_again};

fn fcm(sink: &FcmSink, settings: &Settings) -> Fcm {
    let account = FcmSettings { service_account_file: sink.service_account_file.clone(), url: sink.url() };
    Fcm::new(&account, settings).unwrap()
}

fn to_device(event_id: &str) -> Message {
    message(event_id, Target::Fcm { registration_token: "bk3RNwTe3H0:CI2k_HHw".to_owned() })
}

fn error(code: &str) -> String {
    let kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
    json!({"error": {"status": "NOT_FOUND", "details": [{"@type": kind, "errorCode": code}]}}).to_string()
}

#[tokio::test]
async fn a_push_has_all_that_firebase_asks_for() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &settings(&authority));
    assert_eq!(fcm.send(&to_device("120-3")).await, Delivery::Delivered);
    assert_eq!(sink.refused.all(), Vec::<String>::new());
    let expected = json!({
        "token": "bk3RNwTe3H0:CI2k_HHw",
        "notification": {"title": "Gleich sind Sie dran: Ghost Train", "body": "Beginn: 14:30. Plätze: 2."},
        "data": {
            "eventId": "120-3",
            "type": "booking.ready",
            "bookingId": "77",
            "slotId": "12",
            "codeUrl": "https://tickets.example/77",
        },
        "android": {
            "collapse_key": "booking-77",
            "priority": "HIGH",
            "ttl": "86400s",
            "notification": {"tag": "booking-77"},
        },
    });
    assert_eq!(sink.seen.all()[0].message, expected);
}

#[tokio::test]
async fn an_access_token_serves_until_shortly_before_it_expires() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &settings(&authority));
    let (one, other) = (to_device("120-3"), to_device("120-4"));
    let both = tokio::join!(fcm.send(&one), fcm.send(&other));
    assert_eq!(both, (Delivery::Delivered, Delivery::Delivered));
    assert_eq!(sink.granted.all(), ["access-1"], "one exchange serves all who wait");
    for (seconds, tokens) in [(3500, 1), (50, 2)] {
        pass(Duration::from_secs(seconds)).await;
        assert_eq!(fcm.send(&to_device("120-3")).await, Delivery::Delivered);
        assert_eq!(sink.granted.all().len(), tokens);
    }
}

#[tokio::test]
async fn an_access_token_that_is_not_taken_is_replaced() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &settings(&authority));
    assert_eq!(fcm.send(&to_device("120-3")).await, Delivery::Delivered);
    sink.revoke();
    assert_eq!(why_again(fcm.send(&to_device("120-4")).await), "401 UNAUTHENTICATED");
    assert_eq!(fcm.send(&to_device("120-4")).await, Delivery::Delivered);
    assert_eq!(sink.granted.all(), ["access-1", "access-2"]);
}

#[tokio::test]
async fn without_an_access_token_the_message_waits() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &impatient(&authority));
    sink.token_plans.then([Plan::status(500), Plan::Lose, Plan::Stall, Plan::body(200, "{}")]);
    for _ in 0..4 {
        let why = why_again(fcm.send(&to_device("120-3")).await);
        assert!(why.starts_with("no access token: "), "{why}");
        pass(Duration::from_secs(5)).await;
    }
    assert_eq!(sink.seen.all().len(), 0);
    assert_eq!(fcm.send(&to_device("120-3")).await, Delivery::Delivered);
}

#[tokio::test]
async fn an_exchange_that_fails_is_the_answer_for_all_who_wait_for_it() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &impatient(&authority));
    sink.token_plans.then([Plan::Stall]);
    let (one, other, third) = (to_device("120-3"), to_device("120-4"), to_device("120-5"));
    let answers = tokio::join!(fcm.send(&one), fcm.send(&other), fcm.send(&third));
    for answer in [answers.0, answers.1, answers.2, fcm.send(&one).await] {
        assert_eq!(why_again(answer), "no access token: it took too long");
    }
    assert_eq!(sink.granted.all().len(), 1, "one exchange, whose answer nobody got");
    pass(Duration::from_secs(5)).await;
    assert_eq!(fcm.send(&to_device("120-3")).await, Delivery::Delivered);
}

#[tokio::test]
async fn an_answer_that_stalls_within_counts_also_where_a_token_had_to_come_first() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &impatient(&authority));
    sink.plans.then([Plan::StallWithin { status: 200 }]);
    assert_eq!(fcm.send(&to_device("120-3")).await, Delivery::Delivered);
}

#[tokio::test]
async fn each_answer_of_firebase_has_its_consequence() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &impatient(&authority));
    let message = to_device("120-3");
    let answered = async |plan| {
        sink.plans.then([plan]);
        fcm.send(&message).await
    };
    assert_gone(answered(Plan::body(404, &error("UNREGISTERED"))).await);
    why_again(answered(Plan::status(404)).await);
    assert_refused(answered(Plan::body(400, &error("INVALID_ARGUMENT"))).await);
    assert_refused(answered(Plan::body(403, &error("SENDER_ID_MISMATCH"))).await);
    assert_eq!(again_after(answered(Plan::header(429, "retry-after", "90")).await), Duration::from_secs(90));
    why_again(answered(Plan::status(503)).await);
    why_again(answered(Plan::header(307, "location", &sink.url())).await);
    why_again(answered(Plan::Lose).await);
    assert_eq!(why_again(answered(Plan::Stall).await), "it took too long");
    assert_eq!(answered(Plan::StallWithin { status: 200 }).await, Delivery::Delivered);
    assert_eq!(why_again(answered(Plan::StallWithin { status: 400 }).await), "400 ");
    assert_eq!(sink.seen.all().len(), 11, "nothing was repeated, and no redirect followed");
    // What the guest's app tells repetitions by.
    assert!(sink.seen.all().iter().all(|push| push.message["data"]["eventId"] == "120-3"));
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_it_is_sent() {
    let authority = Authority::new();
    let sink = FcmSink::start(&authority).await;
    let fcm = fcm(&sink, &settings(&authority));
    let mut long = to_device("120-3");
    long.facts.code_url = Some(format!("https://tickets.example/{}", "x".repeat(4096)));
    assert_refused(fcm.send(&long).await);
    assert_eq!((sink.granted.all().len(), sink.seen.all().len()), (0, 0));
}
