//! Conversations in the seed's words with a node that is a cluster of its own and believes whom it is told.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::error_body;
use super::fields::Wrong;
use crate::http::router;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::service::{FacadeSettings, Service};

/// Long enough for any step on a loaded machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Node {
    service: Service,
    _dir: tempfile::TempDir,
}

/// An event with three named seats and five general tickets.
struct Concert {
    event: String,
    named: String,
    general: String,
    seats: [String; 3],
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Node {
    async fn start(trust_declared_identity: bool) -> Self {
        let (dir, metrics) = (tempfile::tempdir().unwrap(), Metrics::default());
        let replica = holdfast_raft::alone::found(dir.path(), Arc::new(metrics.clone())).await.unwrap();
        replica.recovered(Instant::now() + PATIENCE).await.unwrap();
        let settings = FacadeSettings { trust_declared_identity, ..FacadeSettings::default() };
        Self { service: Service::new(replica, metrics, settings), _dir: dir }
    }

    /// What somebody is told who makes a call, perhaps under a key.
    async fn told(&self, who: &str, call: &str, body: Option<Value>, key: Option<&str>) -> (u16, Value) {
        let (method, path) = call.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if who != "nobody" {
            request = request.header("cookie", format!("theme=dark; uid={who}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = body.map(|body| body.to_string());
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).unwrap();
        let response = router(self.service.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/json", "{call}");
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn get(&self, who: &str, path: &str) -> (u16, Value) {
        self.told(who, &format!("GET {path}"), None, None).await
    }

    async fn post(&self, who: &str, path: &str, body: Value) -> (u16, Value) {
        self.told(who, &format!("POST {path}"), Some(body), None).await
    }

    /// A call without a body.
    async fn act(&self, who: &str, path: &str) -> (u16, Value) {
        self.told(who, &format!("POST {path}"), None, None).await
    }

    /// What was made by a call.
    async fn make(&self, who: &str, path: &str, body: Value) -> Value {
        let (status, made) = self.post(who, path, body).await;
        assert_eq!(status, 201, "{path}: {made}");
        made
    }

    async fn concert(&self, limit_seconds: u64) -> Concert {
        let event = json!({"name": "Concert", "description": "Loud", "date": "2031-05-01", "venue": "Hall"});
        let event = text(&self.make("host", "/event", event).await["event_id"]);
        let path = format!("/event/{event}/ticket");
        let named = json!({
            "ticket_type": "Balcony", "seat_type": "Named", "quantity": 3, "price": 50.5,
            "seats": [{"name": "B1"}, {"name": "A2"}, {"name": "A1"}],
            "reservation_limit_in_seconds": limit_seconds,
        });
        let named = self.make("host", &path, named).await;
        let names = ["B1", "A2", "A1"].map(Value::from);
        let tickets = named["tickets"].as_array().unwrap();
        assert!(tickets.iter().map(|ticket| &ticket["name"]).eq(&names), "as they were named: {named}");
        let seats = [0, 1, 2].map(|number: usize| text(&tickets[number]["ticket_id"]));
        let general = json!({
            "ticket_type": "Floor", "seat_type": "General", "description": "To stand", "quantity": 5, "price": 20,
        });
        let general = self.make("host", &path, general).await;
        assert_eq!(general["tickets"].as_array().map(Vec::len), Some(5));
        let [named, general] = [named, general].map(|made| text(&made["ticket_type_id"]));
        Concert { event, named, general, seats }
    }

    async fn book(&self, who: &str, concert: &Concert, body: Value) -> String {
        let booked = self.make(who, &format!("/event/{}/booking", concert.event), body).await;
        text(&booked["booking_id"])
    }

    async fn status(&self, who: &str, booking: &str) -> String {
        let (status, shown) = self.get(who, &format!("/booking/{booking}/status")).await;
        assert_eq!(status, 200, "{shown}");
        text(&shown["booking_status"])
    }

    /// The names and states of the tickets of a type.
    async fn tickets(&self, of: &str) -> Vec<String> {
        let (_, listed) = self.get("nobody", &format!("/ticket?ticket_type_id={of}")).await;
        let shown = |ticket: &Value| format!("{} {}", text(&ticket["name"]), text(&ticket["ticket_status"]));
        listed.as_array().unwrap().iter().map(shown).collect()
    }
}

#[test]
fn what_is_malformed_is_a_map_and_all_else_says_why() {
    let mut wrong = Wrong::default();
    wrong.add("date", "expected yyyy-MM-dd");
    let problem = wrong.into_result(()).unwrap_err();
    assert_eq!(problem.status, 400);
    assert_eq!(error_body(&problem), json!({"date": ["expected yyyy-MM-dd"]}));
    let problem = Problem::new(409, "not_held", "the booking is not a hold").with("count", json!(3));
    assert_eq!(error_body(&problem), json!({"error": "the booking is not a hold", "code": "not_held"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_reserved_paid_and_given_back() {
    let node = Node::start(true).await;
    let concert = node.concert(60).await;
    let [b1, a2, a1] = &concert.seats;
    let booking = node.book("ann", &concert, json!({"ticket_ids": [b1, a1]})).await;
    assert_eq!(node.status("ann", &booking).await, "PaymentPending");
    assert_eq!(node.tickets(&concert.named).await, ["A1 Reserved", "A2 Available", "B1 Reserved"]);
    let rival = node.book("bob", &concert, json!({"ticket_ids": [a1, a2]})).await;
    assert_eq!(node.status("bob", &rival).await, "Rejected");

    let (payment, cancel) = (format!("/booking/{booking}/payment"), format!("/booking/{booking}/cancel"));
    assert_eq!(node.act("bob", &payment).await.0, 404);
    assert_eq!(node.act("ann", &payment).await, (200, json!({"booking_id": booking})));
    assert_eq!(node.status("ann", &booking).await, "Confirmed");
    assert_eq!((node.act("ann", &payment).await.0, node.act("ann", &cancel).await.0), (409, 409));
    let (_, tickets) = node.get("ann", &format!("/booking/{booking}/ticket")).await;
    assert_eq!((&tickets[0]["name"], &tickets[1]["ticket_id"]), (&json!("A1"), &json!(b1)));
    assert_eq!(tickets[0]["ticket_status"], "Booked");

    let other = node.book("bob", &concert, json!({"ticket_type_id": concert.general, "quantity": 5})).await;
    let cancel = format!("/booking/{other}/cancel");
    assert_eq!(node.act("bob", &cancel).await, (200, json!({"booking_id": other})));
    assert_eq!(
        (node.act("bob", &cancel).await.0, node.status("bob", &other).await.as_str()),
        (409, "Canceled")
    );
    assert_eq!(node.tickets(&concert.general).await[4], "5 Available");
    let (_, rows) = node.get("nobody", &format!("/event/{}", concert.event)).await;
    assert_eq!(
        (&rows[0]["available"], &rows[0]["price"], &rows[0]["seat_type"]),
        (&json!(1), &json!(50.5), &json!("Named"))
    );
    assert_eq!(
        (&rows[1]["available"], &rows[1]["price"], &rows[1]["seat_type"]),
        (&json!(5), &json!(20), &json!("General"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_accepted_and_rejected() {
    let node = Node::start(true).await;
    let concert = node.concert(60).await;
    let general = &concert.general;
    for body in [
        json!({"ticket_type_id": general, "quantity": 0}),
        json!({"ticket_type_id": general, "quantity": 6}),
        json!({"ticket_type_id": general, "quantity": u64::MAX}),
        json!({"ticket_ids": ["1"]}),
        json!({"ticket_ids": ["900719925474099"]}),
    ] {
        let booking = node.book("ann", &concert, body.clone()).await;
        assert_eq!(node.status("ann", &booking).await, "Rejected", "{body}");
        assert_eq!(node.act("ann", &format!("/booking/{booking}/payment")).await.0, 409);
    }
    let booked = |event: &str, body| {
        let path = format!("/event/{event}/booking");
        let node = &node;
        async move { node.post("ann", &path, body).await }
    };
    let one = json!({"ticket_type_id": general, "quantity": 1});
    assert_eq!(booked("999999", one.clone()).await.0, 404);
    assert_eq!(booked("none", one).await.0, 404);
    assert_eq!(booked(&concert.event, json!({"ticket_type_id": "999999", "quantity": 1})).await.0, 404);
    let mixed = json!({"ticket_ids": [concert.seats[0], "262144"]});
    let (status, told) = booked(&concert.event, mixed).await;
    assert_eq!((status, told), (400, json!({"ticket_ids": ["expected tickets of one type"]})));
    assert_eq!(booked(&concert.event, json!([])).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_comes_too_late_is_taken_and_rejected() {
    let node = Node::start(true).await;
    let concert = node.concert(1).await;
    let booking = node.book("ann", &concert, json!({"ticket_ids": [concert.seats[0]]})).await;
    let started_at = Instant::now();
    while node.status("ann", &booking).await == "PaymentPending" {
        assert!(started_at.elapsed() < PATIENCE, "the hold does not end");
        // No leader's scheduler runs here: time goes on with commands.
        node.make("nobody", "/user", json!({"name": "Somebody"})).await;
    }
    let payment = format!("/booking/{booking}/payment");
    assert_eq!(node.act("ann", &payment).await, (200, json!({"booking_id": booking})));
    assert_eq!(node.status("ann", &booking).await, "Rejected");
    assert!(node.tickets(&concert.named).await.iter().all(|ticket| ticket.ends_with("Available")));
    let (_, tickets) = node.get("ann", &format!("/booking/{booking}/ticket")).await;
    assert_eq!(tickets, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_answered_as_the_first_time() {
    let node = Node::start(true).await;
    let concert = node.concert(60).await;
    let tickets = format!("POST /event/{}/ticket", concert.event);
    let pit = json!({"ticket_type": "Pit", "seat_type": "General", "quantity": 2, "price": 5});
    let booking = format!("POST /event/{}/booking", concert.event);
    let event = json!({"name": "Play", "date": "2031-05-02", "venue": "Hall"});
    for (call, body) in [
        ("POST /user", json!({"name": "Mia"})),
        ("POST /event", event),
        (tickets.as_str(), pit.clone()),
        ("POST /event/999999/ticket", pit),
        (booking.as_str(), json!({"ticket_type_id": concert.general, "quantity": 1})),
        (booking.as_str(), json!({"ticket_type_id": "999999", "quantity": 1})),
    ] {
        let key = uuid::Uuid::new_v4().to_string();
        let first = node.told("host", call, Some(body.clone()), Some(&key)).await;
        let again = node.told("host", call, Some(body.clone()), Some(&key)).await;
        assert_eq!(again, first, "{call}");
        let mut other = body;
        other["color"] = json!("red");
        let (status, told) = node.told("host", call, Some(other), Some(&key)).await;
        assert_eq!((status, &told["code"]), (422, &json!("key_reused")), "{call}");
    }
    assert_eq!(
        node.get("nobody", &format!("/event/{}", concert.event)).await.1.as_array().map(Vec::len),
        Some(3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_by_venue_and_day() {
    let node = Node::start(true).await;
    let mut ids = Vec::new();
    for (name, date, venue) in [("Concert", "2031-05-01", "Hall"), ("Match", "2031-05-10", "Stadium")] {
        let event = json!({"name": name, "description": "Loud", "date": date, "venue": venue});
        ids.push(node.make("nobody", "/event", event).await["event_id"].clone());
    }
    let listed = async |query: &str| {
        let (status, events) = node.get("nobody", &format!("/event{query}")).await;
        assert_eq!(status, 200, "{query}");
        events.as_array().unwrap().iter().map(|event| event["event_id"].clone()).collect::<Vec<_>>()
    };
    let [concert, game] = [&ids[..1], &ids[1..]].map(<[Value]>::to_vec);
    assert_eq!(listed("").await.len(), 2);
    assert_eq!((listed("?venue=Hall").await, listed("?venue=Nowhere").await), (concert.clone(), vec![]));
    assert_eq!((listed("?from=2031-05-10").await, listed("?to=2031-05-09").await), (game, concert));
    let (status, told) = node.get("nobody", "/event?from=tomorrow&to=2031-02-30").await;
    assert_eq!((status, &told["from"], &told["to"]), (400, &json!(["expected yyyy-MM-dd"]), &told["from"]));
    let (_, events) = node.get("nobody", "/event?venue=Stadium").await;
    let expected = json!([{
        "event_id": ids[1], "name": "Match", "description": "Loud", "date": "2031-05-10", "venue": "Stadium",
    }]);
    assert_eq!(events, expected);
    assert_eq!(node.get("nobody", "/event/999999").await.0, 404);
    assert_eq!(node.get("nobody", "/ticket").await, (400, json!({"ticket_type_id": ["is missing"]})));
    assert_eq!(node.get("nobody", "/ticket?ticket_type_id=999999").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_calls_himself_by_the_number_he_was_given() {
    let node = Node::start(true).await;
    let concert = node.concert(60).await;
    let mia = text(&node.make("nobody", "/user", json!({"name": "Mia"})).await["user_id"]);
    let tom = text(&node.make("nobody", "/user", json!({"name": "Tom"})).await["user_id"]);
    assert!(mia != tom && mia.bytes().all(|digit| digit.is_ascii_digit()), "{mia} {tom}");
    let booking = node.book(&mia, &concert, json!({"ticket_ids": [concert.seats[1]]})).await;
    assert_eq!(node.act(&mia, &format!("/booking/{booking}/payment")).await.0, 200);
    for who in ["nobody", &mia, &tom] {
        assert_eq!(node.get(who, "/user/stats").await, (200, json!({"Mia": ["A2"]})), "{who}");
    }
    assert_eq!(node.post("nobody", "/user", json!({})).await, (400, json!({"name": ["is missing"]})));
    let one = json!({"ticket_type_id": concert.general, "quantity": 1});
    assert_eq!(node.post("nobody", &format!("/event/{}/booking", concert.event), one).await.0, 401);
    // Whose an event is, decides who adds to it.
    let pit = json!({"ticket_type": "Pit", "seat_type": "General", "quantity": 2, "price": 5});
    assert_eq!(node.post(&mia, &format!("/event/{}/ticket", concert.event), pit).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_believed_a_cookie_is_nobody() {
    let node = Node::start(false).await;
    let event = json!({"name": "Concert", "date": "2031-05-01", "venue": "Hall"});
    for who in ["nobody", "ann"] {
        for (path, body) in [
            ("/event", event.clone()),
            ("/event/1/ticket", json!({})),
            ("/event/1/booking", json!({})),
            ("/booking/1/payment", json!({})),
            ("/user", json!({"name": "Mia"})),
        ] {
            let (status, told) = node.post(who, path, body).await;
            assert_eq!((status, &told["code"]), (401, &json!("unauthenticated")), "{path}");
        }
        assert_eq!(node.get(who, "/user/stats").await.0, 401);
        assert_eq!(node.get(who, "/event").await, (200, json!([])));
    }
}
