//! Webhooks.

use std::time::Duration;

use holdfast_leader::senders::{
    Delivery, Message, Secret, Sender as _, Settings, Target, Webhooks, new_webhook_secret,
};
use holdfast_processes::sinks::{Authority, Plan, WebhookSink};
use serde_json::json;

use crate::scene::{again_after, assert_gone, assert_refused, impatient, message, settings, why_again};

fn to_webhook(event_id: &str, url: &str, secrets: &[&Secret]) -> Message {
    let secrets = secrets.iter().map(|secret| (*secret).clone()).collect();
    message(event_id, Target::Webhook { id: 9, url: url.to_owned(), secrets })
}

#[tokio::test]
async fn a_webhook_is_signed_and_says_what_happened() {
    let authority = Authority::new();
    let secret = new_webhook_secret();
    let sink = WebhookSink::start(&authority, secret.reveal()).await;
    let webhooks = Webhooks::new(&settings(&authority)).unwrap();
    assert_eq!(webhooks.send(&to_webhook("120-3", &sink.url(), &[&secret])).await, Delivery::Delivered);
    assert_eq!(sink.refused.all(), Vec::<String>::new());
    let hook = &sink.seen.all()[0];
    assert_eq!((hook.id.as_str(), hook.signatures), ("120-3-9", 1));
    let expected = json!({
        "type": "booking.ready",
        "timestamp": "2027-01-15T08:00:00Z",
        "data": {"revision": "120-3", "bookingId": 77, "slotId": 12},
    });
    assert_eq!(hook.body, expected);
}

#[tokio::test]
async fn a_webhook_bears_agreed_time_and_not_what_the_nodes_clock_shows() {
    let authority = Authority::new();
    let secret = new_webhook_secret();
    let sink = WebhookSink::start(&authority, secret.reveal()).await;
    let webhooks = Webhooks::new(&settings(&authority)).unwrap();
    let hook = to_webhook("120-3", &sink.url(), &[&secret]);
    let late = Message { sent_at_ms: hook.sent_at_ms - 24 * 3_600_000, ..hook.clone() };
    assert_eq!(why_again(webhooks.send(&late).await), "401");
    let soon = Message { sent_at_ms: hook.sent_at_ms + 200_000, ..hook };
    assert_eq!(webhooks.send(&soon).await, Delivery::Delivered);
    assert_eq!(sink.seen.all()[0].sent_at.unsigned_abs(), soon.sent_at_ms / 1000);
}

#[tokio::test]
async fn while_secrets_are_rotated_either_verifies() {
    let authority = Authority::new();
    let (old, new) = (new_webhook_secret(), new_webhook_secret());
    let webhooks = Webhooks::new(&settings(&authority)).unwrap();
    for known in [&old, &new] {
        let sink = WebhookSink::start(&authority, known.reveal()).await;
        let hook = to_webhook("120-3", &sink.url(), &[&new, &old]);
        assert_eq!(webhooks.send(&hook).await, Delivery::Delivered);
        assert_eq!(sink.seen.all()[0].signatures, 2);
    }
    let stranger = WebhookSink::start(&authority, new_webhook_secret().reveal()).await;
    assert_eq!(why_again(webhooks.send(&to_webhook("120-3", &stranger.url(), &[&old])).await), "401");
}

#[tokio::test]
async fn a_retry_has_the_id_and_the_body_of_the_first_attempt() {
    let authority = Authority::new();
    let secret = new_webhook_secret();
    let sink = WebhookSink::start(&authority, secret.reveal()).await;
    let webhooks = Webhooks::new(&impatient(&authority)).unwrap();
    sink.plans.then([Plan::Lose, Plan::Stall, Plan::status(500)]);
    let hook = to_webhook("120-3", &sink.url(), &[&secret]);
    why_again(webhooks.send(&hook).await);
    assert_eq!(why_again(webhooks.send(&hook).await), "it took too long");
    assert_eq!(why_again(webhooks.send(&hook).await), "500");
    assert_eq!(webhooks.send(&hook).await, Delivery::Delivered);
    let seen = sink.seen.all();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|one| (&one.id, &one.body) == (&seen[0].id, &seen[0].body)));
}

#[tokio::test]
async fn only_a_success_is_one_and_410_ends_it() {
    let authority = Authority::new();
    let secret = new_webhook_secret();
    let sink = WebhookSink::start(&authority, secret.reveal()).await;
    let webhooks = Webhooks::new(&settings(&authority)).unwrap();
    let hook = to_webhook("120-3", &sink.url(), &[&secret]);
    let answered = async |plan| {
        sink.plans.then([plan]);
        webhooks.send(&hook).await
    };
    for status in [200, 202, 299] {
        assert_eq!(answered(Plan::status(status)).await, Delivery::Delivered);
    }
    for status in [304, 400, 401, 404, 429, 500, 503] {
        assert_eq!(why_again(answered(Plan::status(status)).await), status.to_string());
    }
    assert_eq!(again_after(answered(Plan::header(429, "retry-after", "5")).await), Duration::from_secs(5));
    assert_gone(answered(Plan::status(410)).await);
    assert_eq!(answered(Plan::StallWithin { status: 200 }).await, Delivery::Delivered, "the status counts");
    assert_gone(answered(Plan::StallWithin { status: 410 }).await);
    let long = "x".repeat(10_000_000);
    assert_eq!(answered(Plan::body(200, &long)).await, Delivery::Delivered, "no more is read than is needed");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let authority = Authority::new();
    let secret = new_webhook_secret();
    let sink = WebhookSink::start(&authority, secret.reveal()).await;
    let beyond = WebhookSink::start(&authority, secret.reveal()).await;
    let webhooks = Webhooks::new(&settings(&authority)).unwrap();
    for status in [301, 302, 303, 307, 308] {
        sink.plans.then([Plan::header(status, "location", &beyond.url())]);
        let delivery = webhooks.send(&to_webhook("120-3", &sink.url(), &[&secret])).await;
        assert_eq!(why_again(delivery), status.to_string());
    }
    assert_eq!((beyond.seen.all().len(), beyond.refused.all().len()), (0, 0));
}

#[tokio::test]
async fn a_private_address_is_not_connected_to_whether_written_or_resolved() {
    let authority = Authority::new();
    let secret = new_webhook_secret();
    let sink = WebhookSink::start(&authority, secret.reveal()).await;
    let public_only = Settings { allow_private_webhooks: false, ..settings(&authority) };
    let webhooks = Webhooks::new(&public_only).unwrap();
    let port = sink.port();
    let send = async |url: String| webhooks.send(&to_webhook("120-3", &url, &[&secret])).await;
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "user@127.0.0.1"] {
        assert_refused(send(format!("https://{host}:{port}/hook")).await);
    }
    assert_refused(send(format!("http://tickets.example:{port}/hook")).await);
    // What a name resolves to may change, so this one is tried again.
    let why = why_again(send(format!("https://localhost:{port}/hook")).await);
    assert!(why.contains("its address is not public"), "{why}");
    assert_eq!((sink.seen.all().len(), sink.refused.all().len()), (0, 0));
    // The same name where private addresses are allowed.
    let webhooks = Webhooks::new(&settings(&authority)).unwrap();
    let hook = to_webhook("120-3", &format!("https://localhost:{port}/hook"), &[&secret]);
    assert_eq!(webhooks.send(&hook).await, Delivery::Delivered);
}

#[tokio::test]
async fn why_an_attempt_failed_is_told_without_the_url() {
    let authority = Authority::new();
    let webhooks = Webhooks::new(&settings(&authority)).unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("https://{closed}/hook?key=SECRET");
    let why = why_again(webhooks.send(&to_webhook("120-3", &url, &[&new_webhook_secret()])).await);
    assert!(!why.contains("SECRET"), "{why}");
}
