//! `/reservations`: hold a seat, pay, cancel; and what happens to whoever does not pay.

use std::time::{Duration, Instant};

use holdfast_processes::{Recorder, arrive};
use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Ask, Caller, Client};
use crate::walk::{Walk, hardly};

use super::open_show;

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_is_held_and_paid() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 3).await;
    walk.converse(
        r#"
        mia POST /reservations {"seatId":"$seat1","note":"please"}
            -> 201 {"id":"$reservation = digits","userId":"$mia","seatId":"$seat1","reservedAt":"$recent",
                    "status":"PENDING"}
        nobody GET /performances/$performance/seats?status=HELD -> 200 [{"id":"$seat1","status":"HELD"}]
        mia POST /reservations {"seatId":"$seat1"} -> 409 nest
        tom POST /reservations {"seatId":"$seat1"} -> 409 nest

        mia POST /reservations/$reservation/confirm
            -> 200 {"id":"$reservation","userId":"$mia","seatId":"$seat1","reservedAt":"$recent",
                    "status":"CONFIRMED","paidAt":"$recent"}
        nobody GET /performances/$performance/seats?status=OCCUPIED -> 200 [{"id":"$seat1"}]
        tom POST /reservations {"seatId":"$seat1"} -> 409 nest
        mia PATCH /reservations/$reservation/cancel -> 409 nest
        nobody GET /performances/$performance/seats?status=OCCUPIED -> 200 [{"id":"$seat1"}]

        mia POST /reservations {"seatId":"$seat2"} -> 201 {"id":"$other = digits","seatId":"$seat2"}
        "#,
    )
    .await;
    // Paying twice is refused, or told what the first was told; there is one payment in any case.
    walk.converse(
        r#"
        mia POST /reservations/$reservation/confirm -> 200|409
        nobody GET /performances/$performance -> 200 {"totalSeats":3,"availableSeats":1}
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_seat_is_free_again() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 2).await;
    walk.converse(
        r#"
        mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$reservation = digits"}
        mia PATCH /reservations/$reservation/cancel
            -> 200 {"id":"$reservation","userId":"$mia","seatId":"$seat1","status":"CANCELLED"}
        nobody GET /performances/$performance/seats -> 200 [{"status":"AVAILABLE"},{"status":"AVAILABLE"}]
        nobody GET /performances/$performance -> 200 {"availableSeats":2}
        mia PATCH /reservations/$reservation/cancel -> 409 nest
        mia POST /reservations/$reservation/confirm -> 409 nest
        tom POST /reservations {"seatId":"$seat1"} -> 201 {"userId":"$tom","status":"PENDING"}
        mia POST /reservations/$reservation/confirm -> 409 nest
        nobody GET /performances/$performance/seats?status=HELD -> 200 [{"id":"$seat1"}]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_malformed_or_without_a_token_is_refused() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 2).await;
    walk.converse(
        r#"
        mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$reservation = digits"}
        nobody POST /reservations {"seatId":"$seat2"} -> 401 nest
        nobody POST /reservations/$reservation/confirm -> 401 nest
        nobody PATCH /reservations/$reservation/cancel -> 401 nest
        mia POST /reservations {"seatId":"999999999"} -> 404 nest
        mia POST /reservations {} -> 400 nest
        mia POST /reservations {"seatId":true} -> 400 nest
        mia POST /reservations {"seatId":null} -> 400 nest
        mia POST /reservations { -> 400 nest
        mia POST /reservations/999999/confirm -> 404 nest
        mia PATCH /reservations/999999/cancel -> 404 nest
        mia POST /reservations/none/confirm -> 400|404 nest
        mia PATCH /reservations/none/cancel -> 400|404 nest

        mia POST /events/$event/performances {"startAt":"2031-05-02T19:30:00Z","totalSeats":1}
            -> 201 {"id":"$dropped = digits"}
        nobody GET /performances/$dropped/seats -> 200 [{"id":"$gone = id"}]
        mia DELETE /performances/$dropped -> 200
        mia POST /reservations {"seatId":"$gone"} -> 404 nest
        nobody GET /performances/$performance/seats -> 200 [{"status":"HELD"},{"status":"AVAILABLE"}]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_lasts_ten_minutes_unless_a_policy_says_otherwise() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 2).await;
    // A reservation is a booking of the native API, by the same digits.
    let long = walk
        .converse(
            r#"
            mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$long = digits","reservedAt":"$recent"}
            mia GET /v1/bookings/$long -> 200 {"status":"held","expiresAt":"$expires_at = instant"}
            "#,
        )
        .await;
    let expires_at: Timestamp = walk.text("expires_at").parse().unwrap();
    let seconds = expires_at.as_second() - Timestamp::now().as_second();
    assert!((570..=601).contains(&seconds), "{seconds} s are left: {}", long.json);

    let hold = Duration::from_secs(2);
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s1":{"holdSeconds":2}}} -> 200|204"#)
        .await;
    let asked_at = Instant::now();
    walk.converse(
        r#"
        mia POST /reservations {"seatId":"$seat2"} -> 201 {"id":"$short = digits"}
        nobody GET /performances/$performance/seats?status=AVAILABLE ~> 200 [{"id":"$seat2"}]
        "#,
    )
    .await;
    assert!(asked_at.elapsed() >= hardly(hold), "the seat was free after {:?}", asked_at.elapsed());
    walk.converse(
        r#"
        nobody GET /performances/$performance -> 200 {"availableSeats":1}
        mia POST /reservations/$short/confirm -> 409 nest
        mia PATCH /reservations/$short/cancel -> 409 nest
        tom POST /reservations {"seatId":"$seat2"} -> 201 {"status":"PENDING"}
        nobody GET /performances/$performance/seats?status=HELD -> 200 [{"id":"$seat1"},{"id":"$seat2"}]
        mia POST /reservations/$long/confirm -> 200 {"status":"CONFIRMED"}
        "#,
    )
    .await;
}

/// The seed's own promise, with fewer people: 500 at once on one seat are 1 success and 499 refusals.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_at_once_one_gets_the_seat() {
    const GUESTS: usize = 20;
    const CALLS: usize = 100;
    let mut walk = Walk::open().await;
    open_show(&mut walk, 1).await;
    let guests = arrive(&walk.stage, &Recorder::default(), GUESTS).await;
    let ask = Ask::post("/reservations", &json!({"seatId": walk.word("seat1")}));
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let caller = Caller::Token(guests[number % GUESTS].token.clone());
        let (client, ask) = (Client::new(walk.stage.addresses(), caller), ask.clone());
        calls.spawn(async move { client.ask(&ask).await });
    }
    let replies = calls.join_all().await;
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    let others = replies.iter().find(|reply| !matches!(reply.status, 201 | 409));
    assert_eq!((count(201), count(409)), (1, CALLS - 1), "{others:?}");
    walk.converse(r#"nobody GET /performances/$performance/seats -> 200 [{"id":"$seat1","status":"HELD"}]"#)
        .await;
}
