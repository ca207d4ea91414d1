//! Apple's push service.

use std::time::Duration;

use holdfast_leader::senders::{Apns, ApnsSettings, Delivery, Message, Sender as _, Settings, Target};
use holdfast_processes::sinks::{ApnsSink, Authority, Plan};
use serde_json::json;

use crate::scene::{
    again_after, assert_gone, assert_refused, impatient, message, pass, settings, why_again, why_not_now,
};

const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

fn apns(sink: &ApnsSink, settings: &Settings) -> Apns {
    let account = ApnsSettings {
        key_file: sink.key_file.clone(),
        key_id: ApnsSink::KEY_ID.to_owned(),
        team_id: ApnsSink::TEAM_ID.to_owned(),
        topic: ApnsSink::TOPIC.to_owned(),
        url: sink.url(),
    };
    Apns::new(&account, settings).unwrap()
}

fn to_device(event_id: &str) -> Message {
    message(event_id, Target::Apns { device_token: DEVICE.to_owned() })
}

#[tokio::test]
async fn a_push_has_all_that_apple_asks_for() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &settings(&authority));
    let message = to_device("120-3");
    assert_eq!(apns.send(&message).await, Delivery::Delivered);
    assert_eq!(sink.refused.all(), Vec::<String>::new());
    let push = &sink.seen.all()[0];
    assert_eq!((push.device_token.as_str(), push.collapse_id.as_str()), (DEVICE, "booking-77"));
    assert_eq!(push.expires_at, message.occurred_at_ms.max(message.sent_at_ms) / 1000 + 24 * 3600);
    let expected = json!({
        "aps": {
            "alert": {"title": "Gleich sind Sie dran: Ghost Train", "body": "Beginn: 14:30. Plätze: 2."},
            "sound": "default",
            "thread-id": "booking-77",
        },
        "eventId": "120-3",
        "type": "booking.ready",
        "bookingId": 77,
        "slotId": 12,
        "codeUrl": "https://tickets.example/77",
    });
    assert_eq!(push.payload, expected);
}

#[tokio::test]
async fn a_retry_has_the_id_of_the_first_attempt_even_if_the_answer_was_lost() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &settings(&authority));
    sink.plans.then([Plan::Lose, Plan::status(500), Plan::status(503)]);
    for _ in 0..3 {
        why_again(apns.send(&to_device("120-3")).await);
    }
    assert_eq!(apns.send(&to_device("120-3")).await, Delivery::Delivered);
    assert_eq!(apns.send(&to_device("120-4")).await, Delivery::Delivered);
    // The sink refuses an event under two ids, and two under one.
    assert_eq!(sink.refused.all(), Vec::<String>::new());
    let ids: Vec<_> = sink.seen.all().iter().map(|push| push.id).collect();
    assert!(ids.len() == 5 && ids[..4].iter().all(|id| *id == ids[0]) && ids[4] != ids[0], "{ids:?}");
}

#[tokio::test]
async fn a_server_that_stalls_is_left_in_time() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &impatient(&authority));
    sink.plans.then([Plan::Stall]);
    assert_eq!(why_again(apns.send(&to_device("120-3")).await), "it took too long");
    assert_eq!(sink.seen.all().len(), 1);
}

#[tokio::test]
async fn each_answer_of_apple_has_its_consequence() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &impatient(&authority));
    let message = to_device("120-3");
    let answered = async |plan| {
        sink.plans.then([plan]);
        apns.send(&message).await
    };
    assert_gone(answered(Plan::body(410, "Unregistered")).await);
    assert_refused(answered(Plan::body(400, "BadDeviceToken")).await);
    assert_refused(answered(Plan::body(400, "PayloadEmpty")).await);
    assert_refused(answered(Plan::body(400, "DeviceTokenNotForTopic")).await);
    assert_eq!(why_not_now(answered(Plan::body(429, "TooManyRequests")).await), "429 TooManyRequests");
    assert_eq!(again_after(answered(Plan::header(503, "retry-after", "7")).await), Duration::from_secs(7));
    assert_eq!(
        again_after(answered(Plan::header(503, "retry-after", "999999")).await),
        Duration::from_secs(3600)
    );
    why_again(answered(Plan::body(403, "InvalidProviderToken")).await);
    why_again(answered(Plan::header(302, "location", &sink.url())).await);
    assert_gone(answered(Plan::StallWithin { status: 410 }).await);
    assert_eq!(answered(Plan::StallWithin { status: 200 }).await, Delivery::Delivered);
    assert_eq!(why_again(answered(Plan::StallWithin { status: 400 }).await), "400 ");
    assert_eq!(sink.seen.all().len(), 12, "nothing was repeated, and no redirect followed");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &settings(&authority));
    let mut long = to_device("120-3");
    long.facts.code_url = Some(format!("https://tickets.example/{}", "x".repeat(4096)));
    assert_refused(apns.send(&long).await);
    let path = Target::Apns { device_token: "../../x".to_owned() };
    assert_gone(apns.send(&message("120-3", path)).await);
    assert_refused(apns.send(&message("120-3", Target::Log)).await);
    assert_eq!((sink.seen.all().len(), sink.refused.all().len()), (0, 0));
}

#[tokio::test]
async fn a_provider_token_is_used_again_for_40_minutes() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &settings(&authority));
    for minutes in [0, 39, 2, 0] {
        pass(Duration::from_secs(minutes * 60)).await;
        assert_eq!(apns.send(&to_device("120-3")).await, Delivery::Delivered);
    }
    let tokens: Vec<_> = sink.seen.all().into_iter().map(|push| push.provider_token).collect();
    assert_eq!([tokens[0] == tokens[1], tokens[1] == tokens[2], tokens[2] == tokens[3]], [true, false, true]);
}

#[tokio::test]
async fn a_provider_token_that_agreed_time_has_gone_away_from_is_replaced() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &settings(&authority));
    let late = to_device("120-3");
    let late = Message { sent_at_ms: late.sent_at_ms - 24 * 3_600_000, ..late };
    why_again(apns.send(&late).await);
    assert!(sink.refused.all()[0].contains("InvalidProviderToken"), "{:?}", sink.refused.all());
    assert_eq!(apns.send(&to_device("120-3")).await, Delivery::Delivered);
}

#[tokio::test]
async fn a_provider_token_that_apple_calls_expired_is_replaced_unless_it_is_young() {
    let authority = Authority::new();
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &settings(&authority));
    sink.plans.then([Plan::body(403, "ExpiredProviderToken"), Plan::body(403, "ExpiredProviderToken")]);
    why_again(apns.send(&to_device("120-3")).await);
    pass(Duration::from_secs(21 * 60)).await;
    why_again(apns.send(&to_device("120-3")).await);
    assert_eq!(apns.send(&to_device("120-3")).await, Delivery::Delivered);
    let tokens: Vec<_> = sink.seen.all().into_iter().map(|push| push.provider_token).collect();
    assert_eq!([tokens[0] == tokens[1], tokens[1] == tokens[2]], [true, false]);
}

#[tokio::test]
async fn a_server_of_another_authority_gets_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let sink = ApnsSink::start(&authority).await;
    let apns = apns(&sink, &settings(&other));
    why_again(apns.send(&to_device("120-3")).await);
    assert_eq!(sink.seen.all().len(), 0);
}
