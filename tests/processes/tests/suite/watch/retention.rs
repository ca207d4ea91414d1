//! A reader who comes back when what he has missed is not kept any more.

use holdfast_client::{Client, Error, Watch};
use holdfast_cluster::Api;
use holdfast_model::Revision;
use holdfast_processes::{Grpc, Park, Program, Sse, SseCall, Stage, beside, revision_in, until};
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::watch_request::Start;
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{PATIENCE, now};

/// Events are kept for one to two days.
const DAYS: i64 = 2;

/// Lets days pass, for all nodes at once; who operates the cluster from then on.
async fn pass(stage: &Stage, nights: i64) -> Api {
    let before = log_in(stage).await;
    for node in 0..3 {
        stage.clock(node).set(SignedDuration::from_hours(25 * nights));
    }
    // Tokens expire by the time that the nodes agree on.
    until("the nodes know what day it is", PATIENCE, async || {
        let seen = before.call(Method::GET, "/v1/bookings?limit=1", None).await.ok()?;
        (seen.status == 401).then_some(())
    })
    .await;
    log_in(stage).await
}

/// A key that says nothing of the day on which it was made: ours is another one than the nodes'.
fn timeless_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

async fn post(api: &Api, path: &str, body: Value) -> Value {
    api.call_with_key(Method::POST, path, Some(body), &timeless_key()).await.unwrap().success().unwrap()
}

async fn log_in(stage: &Stage) -> Api {
    let (mut api, operator) = (stage.cluster.api(), &stage.cluster.operator);
    let who = json!({"email": operator.email, "password": operator.password});
    api.token = post(&api, "/auth/login", who).await["accessToken"].as_str().map(str::to_owned);
    api
}

async fn books(api: &Api, slot: u64) -> u64 {
    post(api, "/v1/bookings", json!({"slotId": slot})).await["id"].as_u64().unwrap()
}

/// The ids of the next bookings that a reader is told of.
async fn told(stream: &mut Sse, count: usize) -> Vec<(String, u64)> {
    let mut told = Vec::new();
    let read = async {
        while told.len() < count {
            let Some(event) = stream.next().await else { panic!("the stream ended") };
            if let Some(booking) = event.data["bookingId"].as_u64() {
                told.push((event.name, booking));
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, read).await.is_ok(), "there is nothing to read");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_was_away_for_days_is_told_so_and_how_to_start_again() {
    let _machine = beside().await;
    let stage = Stage::start_with_clocks(3).await;
    let begun = now(&stage, 0).await;
    let next_week = Timestamp::now() + SignedDuration::from_hours(24 * 7);
    let ends_at = next_week + SignedDuration::from_hours(1);
    let slot = Park::open(&stage.operator).await.slot(&stage.operator, next_week, ends_at, 10).await.0;
    let mut operator = stage.operator.clone();
    let mut bookings = vec![books(&operator, slot).await];
    for night in 1..=DAYS {
        if night > 1 {
            // Until now it has all been kept.
            let after = begun.to_string();
            let (token, last_event_id) = (operator.token.as_deref().unwrap(), Some(after.as_str()));
            let call = SseCall { token, last_event_id, ..SseCall::default() };
            let mut stream = Sse::open(&stage.address(1), call).await.stream();
            let seen: Vec<u64> =
                told(&mut stream, bookings.len()).await.into_iter().map(|(_, id)| id).collect();
            assert_eq!(seen, bookings);
        }
        operator = pass(&stage, night).await;
        bookings.push(books(&operator, slot).await);
    }

    is_gone(&stage, &operator, begun).await;

    // As he was told: he reads what he keeps, and watches from there.
    let path = format!("/v1/bookings?slotId={slot}&limit=200");
    let kept = operator.call(Method::GET, &path, None).await.unwrap();
    let mut ids: Vec<u64> =
        kept.json["items"].as_array().unwrap().iter().filter_map(|item| item["id"].as_u64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, bookings);
    let (query, token) = (format!("?after={}", kept.index.unwrap()), operator.token.as_deref().unwrap());
    for node in 0..3 {
        let call = SseCall { query: &query, token, ..SseCall::default() };
        let mut stream = Sse::open(&stage.address(node), call).await.stream();
        let booking = bookings[node];
        post(&operator, &format!("/v1/bookings/{booking}/cancel"), json!({})).await;
        let cancelled = |booking: &u64| ("booking.cancelled".to_owned(), *booking);
        let expected: Vec<_> = bookings[..=node].iter().map(cancelled).collect();
        assert_eq!(told(&mut stream, expected.len()).await, expected, "at node {}", node + 1);
    }
}

/// Makes sure that whoever asks for what is behind a revision, and however, is told that it is not kept any more.
async fn is_gone(stage: &Stage, operator: &Api, begun: Revision) {
    let (after, token) = (begun.to_string(), operator.token.as_deref().unwrap());
    for node in 0..3 {
        let call = SseCall { token, last_event_id: Some(&after), ..SseCall::default() };
        let (status, problem) = Sse::open(&stage.address(node), call).await.refusal();
        assert_eq!((status, &problem["code"]), (410, &json!("revision_gone")), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("read anew") && detail.contains("Holdfast-Index"), "{detail}");
        let first = problem["firstIndex"].as_u64().unwrap();
        assert!(first > begun.index, "{problem}");
        // From the first entry that is kept it can be read.
        let query = format!("?after={}", first - 1);
        let call = SseCall { query: &query, token, ..SseCall::default() };
        let mut stream = Sse::open(&stage.address(node), call).await.stream();
        let hello = stream.next().await.unwrap();
        assert_eq!(revision_in(hello.data["revision"].as_str().unwrap()).index, first - 1);
    }

    let start = Some(Start::After(proto::Revision { index: begun.index, ordinal: begun.ordinal }));
    let request = proto::WatchRequest { start, ..proto::WatchRequest::default() };
    let bearer = format!("Bearer {token}");
    let metadata = [("authorization", bearer.as_str())];
    let grpc = Grpc::connect(&stage.address(0)).await;
    let mut stream = grpc.stream("holdfast.v1.Watch/Watch", &metadata, &request).await.unwrap();
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.status().1, "revision_gone", "{:?}", stream.status());

    let client = Client::builder().endpoints(stage.addresses()).token(token).build().unwrap();
    let from = holdfast_client::Revision { index: begun.index, ordinal: begun.ordinal };
    let mut watching = client.watch(Watch::everything().after(from));
    let ended = tokio::time::timeout(PATIENCE, watching.next()).await.unwrap();
    assert!(
        matches!(&ended, Some(Err(Error::Refused(refusal))) if refusal.code == "revision_gone"),
        "{ended:?}"
    );

    let arguments = ["watch", "--endpoints", &stage.addresses().join(","), "--after", &after];
    let ended = Program::start(&arguments, &[("HOLDFAST_TOKEN", token)]).ended(PATIENCE).await;
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    assert!(ended.stderr.contains("revision_gone"), "{}", ended.stderr);
}
