//! What every dialect promises: retries, stale reads, sizes and types of bodies, limits, and no answer without a quorum; each
//! in its own words.

use std::time::{Duration, Instant};

use holdfast_cluster::Reply;
use holdfast_processes::{fresh_key, until};
use hyper::Method;
use serde_json::{Value, json};

use crate::client::{Ask, Client};
use crate::pattern::Words;
use crate::s1::open_show;
use crate::s3::open_concert;
use crate::table::statements;
use crate::walk::{TRUST, Walk};

/// CONTRACT.md: without a quorum every call answers within five seconds, unless it says otherwise; and this much for a busy
/// machine.
const DEADLINE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_secs(2);

/// All dialects on one cluster that believes what is declared: Mia's show of S1 (its seats are S2's too), and the host's concert
/// of S3.
async fn open(settings: &[(&str, &str)]) -> Walk {
    let mut walk = Walk::open_with(&[&[TRUST], settings].concat()).await;
    open_show(&mut walk, 12).await;
    open_concert(&mut walk).await;
    walk
}

/// A call of each dialect that makes something.
struct Making {
    who: &'static str,
    path: &'static str,
    body: &'static str,
    /// The shape of errors there; of S3's only that of 400 is known.
    errors: &'static str,
}

const MAKING: [Making; 6] = [
    Making {
        who: "mia",
        path: "/rides/book",
        // There is no such ride: a refusal by the rules is an answer like others.
        body: r#"{"rideId":999999,"cnt":1,"startTime":"2031-05-01T09:00:00Z","endTime":"2031-05-01T10:00:00Z"}"#,
        errors: "problem",
    },
    Making { who: "mia", path: "/events", body: r#"{"title":"Again"}"#, errors: "nest" },
    Making { who: "mia", path: "/reservations", body: r#"{"seatId":"$seat1"}"#, errors: "nest" },
    Making {
        who: "nobody",
        path: "/events/create",
        body: r#"{"name":"Again","totalSeats":10}"#,
        errors: "error",
    },
    Making { who: "nobody", path: "/seats/hold", body: r#"{"id":"$seat2","UUID":"$ann"}"#, errors: "error" },
    Making {
        who: "ann",
        path: "/event/$event/booking",
        body: r#"{"ticket_type_id":"$general","quantity":1}"#,
        errors: "",
    },
];

impl Making {
    fn client(&self, walk: &Walk) -> Client {
        walk.client(self.who)
    }

    fn ask(&self, walk: &Walk) -> Ask {
        Ask::new(Method::POST, walk.spelled(self.path)).with_body(walk.spelled(self.body))
    }
}

/// Makes sure that an error has a status, and the shape of its dialect.
fn expect(what: &str, reply: &Reply, statuses: &str, shape: &str) {
    let line = format!("mia GET / -> {statuses} {shape}");
    if let Err(misfit) = statements(&line)[0].judge(reply, &mut Words::new()) {
        panic!("{what}: {misfit}: {} {}", reply.status, reply.json);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_first_answer_and_has_no_second_effect() {
    let mut walk = open(&[]).await;
    for making in &MAKING {
        let (client, key, path) = (making.client(&walk), fresh_key(), making.path);
        let ask = making.ask(&walk).with_key(&key);
        let first = client.ask(&ask).await;
        assert!(matches!(first.status, 201 | 202 | 404), "{path}: {} {}", first.status, first.json);
        for _ in 0..4 {
            let again = client.ask(&ask).await;
            assert_eq!((again.status, &again.json), (first.status, &first.json), "{path}: a retry");
        }
        let other = walk.spelled(making.body).replacen('{', "{\"color\":\"red\",", 1);
        let reused = client.ask(&ask.with_body(other)).await;
        expect(&format!("{path}: another call under the same key"), &reused, "422", making.errors);
    }
    // A refusal stays one for its retry, though the seat is free by now.
    walk.converse(r#"mia POST /reservations {"seatId":"$seat7"} -> 201 {"id":"$reservation = digits"}"#)
        .await;
    let tom = walk.client("tom");
    let taken = Ask::post("/reservations", &json!({"seatId": walk.word("seat7")})).with_key(&fresh_key());
    let refused = tom.ask(&taken).await;
    expect("a seat of Mia's", &refused, "409", "nest");
    walk.converse("mia PATCH /reservations/$reservation/cancel -> 200").await;
    let again = tom.ask(&taken).await;
    assert_eq!((again.status, again.json), (refused.status, refused.json));
    walk.converse(r#"tom POST /reservations {"seatId":"$seat7"} -> 201"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request_and_its_index() {
    let walk = open(&[]).await;
    let mut replies = Vec::new();
    for making in &MAKING {
        replies.push((making.path.to_owned(), making.client(&walk).ask(&making.ask(&walk)).await));
    }
    for (who, path) in reads(&walk) {
        replies.push((path.clone(), walk.client(who).ask(&Ask::get(path)).await));
    }
    for (path, reply) in replies {
        assert!(reply.index.is_some(), "{path}: no Holdfast-Index in {:?}", reply.headers);
        let id = reply.headers.get("holdfast-request-id");
        assert!(id.is_some_and(|id| !id.is_empty()), "{path}: no Holdfast-Request-Id in {:?}", reply.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_bodies_may_be_numbers() {
    let mut walk = open(&[]).await;
    walk.converse(r#"ann POST /event/$event/booking {"ticket_type_id":$general,"quantity":1} -> 201"#).await;
    // The form of a seat's id the documents leave open: if it is digits, it is a number too.
    if walk.text("seat1").bytes().all(|byte| byte.is_ascii_digit()) {
        walk.converse(
            r#"
            mia POST /reservations {"seatId":$seat1} -> 201 {"seatId":"$seat1"}
            nobody POST /seats/hold {"id":$seat2,"UUID":"$ann"} -> 202
            "#,
        )
        .await;
    }
}

/// Something to read in each dialect.
fn reads(walk: &Walk) -> Vec<(&'static str, String)> {
    let paths = [
        ("mia", "/rides/book".to_owned()),
        ("nobody", "/events".to_owned()),
        ("nobody", format!("/performances/{}/seats", walk.text("performance"))),
        ("nobody", format!("/seats/get/{}", walk.text("seat1"))),
        ("ann", "/event".to_owned()),
        ("ann", format!("/ticket?ticket_type_id={}", walk.text("named"))),
    ];
    paths.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_reads_say_how_old_they_are() {
    let walk = open(&[]).await;
    for (who, path) in reads(&walk) {
        let separator = if path.contains('?') { '&' } else { '?' };
        let stale = format!("{path}{separator}consistency=stale&max_staleness=60000");
        let (fresh, stale) = (Ask::get(path), Ask::get(stale));
        // A node that has not heard of the last change yet may show the state before it.
        let expected = walk.client(who).ask(&fresh).await.json;
        let reply = until(&format!("the state of {fresh:?}"), DEADLINE, async || {
            let reply = walk.client(who).ask(&stale).await;
            assert_eq!(reply.status, 200, "{stale:?}: {}", reply.json);
            (reply.json == expected).then_some(reply)
        })
        .await;
        let age = reply.headers.get("holdfast-age-ms").and_then(|age| age.to_str().ok()?.parse::<u64>().ok());
        assert!(age.is_some() && reply.index.is_some(), "{stale:?}: {:?}", reply.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_json_of_at_most_64_kib() {
    let walk = open(&[]).await;
    for making in &MAKING {
        let (client, ask, errors) = (making.client(&walk), making.ask(&walk), making.errors);
        let what = making.path;
        let text = client.ask(&ask.clone().with_header("content-type", "text/plain")).await;
        expect(&format!("{what}: text"), &text, "415", errors);
        let large = format!(r#"{{"title":"{}"}}"#, "x".repeat(64 << 10));
        expect(
            &format!("{what}: too large"),
            &client.ask(&ask.clone().with_body(large)).await,
            "413",
            errors,
        );
        for malformed in ["{", "[]", "null", "7", "", "{\"title\":}"] {
            let reply = client.ask(&ask.clone().with_body(malformed)).await;
            expect(&format!("{what}: {malformed:?}"), &reply, "400", errors);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_calls_too_often_is_told_so() {
    // Twenty a second at each node: enough for what comes before.
    let walk = open(&[("HOLDFAST_LIMITS_USER_RATE", "20")]).await;
    for (who, path, shape) in [("mia", "/rides/book", "problem"), ("mia", "/events/999999", "nest")] {
        let method = if shape == "nest" { Method::DELETE } else { Method::GET };
        let (client, ask) = (walk.client(who), Ask::new(method, path));
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (client, ask) = (client.clone(), ask.clone());
            calls.spawn(async move { client.ask(&ask).await });
        }
        let replies = calls.join_all().await;
        let Some(limited) = replies.iter().find(|reply| reply.status == 429) else {
            panic!("{path}: two hundred calls at once are not too many: {:?}", replies.first())
        };
        expect(path, limited, "429", shape);
        assert!(limited.headers.contains_key("retry-after"), "{path}: {:?}", limited.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_every_dialect_says_so() {
    let mut walk = open(&[]).await;
    for position in [0, 1] {
        walk.stage.cluster.kill(position).await.unwrap();
    }
    let mut calls = tokio::task::JoinSet::new();
    for making in &MAKING {
        let (client, ask) = (making.client(&walk), making.ask(&walk));
        calls.spawn(async move {
            let asked_at = Instant::now();
            (making, client.ask(&ask).await, asked_at.elapsed())
        });
    }
    for (Making { path, errors, .. }, reply, took) in calls.join_all().await {
        expect(path, &reply, "503|504", errors);
        assert!(took < DEADLINE + GRACE, "{path} took {took:?}");
        assert!(
            reply.status != 503 || reply.headers.contains_key("retry-after"),
            "{path}: {:?}",
            reply.headers
        );
    }
    walk.stage.restart_all().await;
    // What may have been done is done once or not at all: the seats are held by one or by nobody.
    let path = format!("/performances/{}/seats", walk.text("performance"));
    let seats = walk.client("nobody").insist(&Ask::get(path)).await;
    let Value::Array(seats) = &seats.json else { panic!("no seats: {}", seats.json) };
    assert_eq!(seats.len(), 12);
    walk.stage.digest().await;
}
