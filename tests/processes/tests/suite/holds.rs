//! Holds at the moment they end: whoever confirms a seat and whoever takes it at the same time, one of them has it.

use std::time::Duration;

use holdfast_cluster::{Connection, Reply};
use holdfast_processes::{Guest, Park, Recorder, Stage, alone, arrive, fresh_key};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Holds of one round, each of a seat of its own, all with deadlines close to each other.
const HOLDS: usize = 100;
const ROUNDS: usize = 20;

/// Who hold and who want the seats: a guest has a thousand keys a day.
const PAIRS: usize = 5;

/// How far from the deadline the confirms come, either way.
const AROUND_MS: i64 = 50;

/// Trap T6: an event that a hold has ended frees a seat that was sold in the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn t6_a_confirm_at_the_deadline_has_one_outcome_and_a_seat_one_owner() {
    let _machine = alone().await;
    let stage = Stage::start(3).await;
    let recorder = Recorder::default();
    let park = Park::open(&stage.operator).await;
    let guests = arrive(&stage, &recorder, 2 * PAIRS).await;

    let mut sold = [0; 2];
    for round in 0..ROUNDS {
        let slot = open_seats(&stage, &park, HOLDS).await;
        let pair = 2 * (round % PAIRS);
        let (holder, rival) = (&guests[pair], &guests[pair + 1]);
        let mut races = JoinSet::new();
        for seat in 1..=HOLDS {
            let race = Race { slot, seat, nodes: stage.addresses(), turn: round * HOLDS + seat };
            races.spawn(race.run(holder.token.clone(), rival.token.clone()));
        }
        for winner in races.join_all().await {
            sold[winner] += 1;
        }
        expect_all_sold(&stage, holder, slot).await;
    }
    assert_eq!(sold[0] + sold[1], HOLDS * ROUNDS, "every seat is somebody's: {sold:?}");
    assert!(sold.iter().all(|sold| *sold > 0), "the confirms came before and after the deadlines: {sold:?}");
    stage.digest().await;
}

/// A hold of one seat, its confirm, and somebody else who wants the seat.
struct Race {
    slot: u64,
    seat: usize,
    nodes: Vec<String>,
    turn: usize,
}

impl Race {
    /// Who has the seat: 0 is who held it, 1 is the other.
    async fn run(self, holder: String, rival: String) -> usize {
        let connection = |offset: usize| Connection::to(&self.nodes[(self.turn + offset) % self.nodes.len()]);
        let (mut first, mut second) = (connection(0), connection(1));
        let hold =
            json!({"slotId": self.slot, "seats": [self.seat.to_string()], "hold": true, "holdSeconds": 2});
        let held = ask(&mut first, &holder, "/v1/bookings", hold).await;
        assert_eq!(held.status, 201, "{}", held.json);
        let expires_at: Timestamp = held.json["expiresAt"].as_str().unwrap().parse().unwrap();
        let offset_ms = (self.turn as i64 * 7) % (2 * AROUND_MS + 1) - AROUND_MS;
        wait_until(expires_at + SignedDuration::from_millis(offset_ms)).await;

        let confirm = format!("/v1/bookings/{}/confirm", held.json["id"]);
        let wanted = json!({"slotId": self.slot, "seats": [self.seat.to_string()]});
        let (confirmed, taken) =
            tokio::join!(ask(&mut first, &holder, &confirm, json!({})), take(&mut second, &rival, wanted),);
        match (confirmed.status, taken.status) {
            (200, 409) => 0,
            (409, 201) => {
                assert_eq!(confirmed.code(), "hold_expired", "{}", confirmed.json);
                1
            }
            // The rival came before the deadline, the holder after it: nobody has it, and the next one gets it.
            (409, 409) => {
                assert_eq!(confirmed.code(), "hold_expired", "{}", confirmed.json);
                let wanted = json!({"slotId": self.slot, "seats": [self.seat.to_string()]});
                let taken = ask(&mut second, &rival, "/v1/bookings", wanted).await;
                assert_eq!(taken.status, 201, "{}", taken.json);
                1
            }
            other => panic!("{other:?}: {} and {}", confirmed.json, taken.json),
        }
    }
}

/// Takes a seat, with one key until there is an answer.
async fn take(connection: &mut Connection, token: &str, wanted: Value) -> Reply {
    ask(connection, token, "/v1/bookings", wanted).await
}

async fn ask(connection: &mut Connection, token: &str, path: &str, body: Value) -> Reply {
    let (body, key) = (body.to_string(), fresh_key());
    loop {
        let sent =
            connection.send(Method::POST, path, Some(token), Some(&key), Some(body.clone().into())).await;
        match sent {
            Ok(reply) if ![503, 504].contains(&reply.status) => return reply,
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn wait_until(moment: Timestamp) {
    let left = Timestamp::now().duration_until(moment);
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
}

async fn open_seats(stage: &Stage, park: &Park, count: usize) -> u64 {
    let starts_at = Timestamp::now() + SignedDuration::from_hours(24);
    let body = json!({
        "startTime": starts_at.to_string(),
        "endTime": (starts_at + SignedDuration::from_hours(1)).to_string(),
        "pools": [{"name": "seats", "seatCount": count}],
    });
    let opened = stage.operator.post(&format!("/v1/resources/{}/slots", park.ride), body).await.unwrap();
    opened["id"].as_u64().unwrap()
}

async fn expect_all_sold(stage: &Stage, guest: &Guest, slot: u64) {
    let seats = guest.api().get(&format!("/v1/slots/{slot}/seats")).await.unwrap();
    let seats = seats["seats"].as_array().unwrap();
    assert_eq!(seats.len(), HOLDS);
    assert!(seats.iter().all(|seat| seat["status"] == "sold"), "{seats:?}");
    let counts = stage.operator.get(&format!("/v1/slots/{slot}")).await.unwrap();
    let pool = &counts["pools"][0];
    assert_eq!((&pool["confirmed"], &pool["held"]), (&json!(HOLDS), &json!(0)), "{pool}");
}
