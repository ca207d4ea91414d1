//! S1: a seat is sold again, by its owner only, and counted at once.

use serde_json::Value;

use crate::client::Ask;
use crate::s1::open_show;
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn t1_a_seat_freed_by_a_cancellation_is_sold_again() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 1).await;
    // More than once: no row of the past is in the way.
    for _ in 0..3 {
        walk.converse(
            r#"
            mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$reservation = digits","status":"PENDING"}
            mia PATCH /reservations/$reservation/cancel -> 200 {"status":"CANCELLED"}
            nobody GET /performances/$performance/seats -> 200 [{"id":"$seat1","status":"AVAILABLE"}]
            "#,
        )
        .await;
    }
    walk.converse(
        r#"
        tom POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$reservation = digits","userId":"$tom"}
        tom POST /reservations/$reservation/confirm -> 200 {"status":"CONFIRMED","userId":"$tom","seatId":"$seat1"}
        nobody GET /performances/$performance/seats -> 200 [{"id":"$seat1","status":"OCCUPIED"}]
        mia POST /reservations {"seatId":"$seat1"} -> 409 nest
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_only_the_owner_confirms_and_cancels() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 2).await;
    walk.converse(
        r#"
        mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$held = digits"}
        mia POST /reservations {"seatId":"$seat2"} -> 201 {"id":"$bought = digits"}
        mia POST /reservations/$bought/confirm -> 200
        tom POST /reservations/$held/confirm -> 404 nest
        tom PATCH /reservations/$held/cancel -> 404 nest
        tom POST /reservations/$bought/confirm -> 404 nest
        tom PATCH /reservations/$bought/cancel -> 404 nest
        nobody GET /performances/$performance/seats -> 200 [{"status":"HELD"},{"status":"OCCUPIED"}]
        "#,
    )
    .await;
    walk.converse(r#"mia POST /reservations/$held/confirm -> 200 {"status":"CONFIRMED","userId":"$mia"}"#)
        .await;
}

/// What a performance says is free, and the seats that are.
async fn expect_free(walk: &Walk, free: usize) {
    let performance = walk.text("performance");
    let nobody = walk.client("nobody");
    let shown = nobody.ask(&Ask::get(format!("/performances/{performance}"))).await;
    assert_eq!(shown.json["availableSeats"], free, "{}", shown.json);
    let seats = nobody.ask(&Ask::get(format!("/performances/{performance}/seats?status=AVAILABLE"))).await;
    assert_eq!(seats.json.as_array().map(Vec::len), Some(free), "{}", seats.json);
    let listed = nobody.ask(&Ask::get("/performances")).await;
    assert_eq!(listed.json[0]["availableSeats"], free, "{}", listed.json);
    let event = nobody.ask(&Ask::get(format!("/events/{}", walk.text("event")))).await;
    assert_eq!(event.json["performances"][0]["availableSeats"], free, "{}", event.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn t13_available_seats_are_counted_at_once_on_every_node() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 5).await;
    expect_free(&walk, 5).await;
    walk.converse(r#"mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$first = digits"}"#).await;
    expect_free(&walk, 4).await;
    walk.converse(r#"tom POST /reservations {"seatId":"$seat2"} -> 201 {"id":"$second = digits"}"#).await;
    expect_free(&walk, 3).await;
    walk.converse("mia POST /reservations/$first/confirm -> 200").await;
    expect_free(&walk, 3).await;
    walk.converse("tom PATCH /reservations/$second/cancel -> 200").await;
    expect_free(&walk, 4).await;
    walk.converse(
        r#"
        operator PUT /v1/policies/cluster {"facades":{"s1":{"holdSeconds":1}}} -> 200|204
        tom POST /reservations {"seatId":"$seat2"} -> 201
        nobody GET /performances/$performance/seats?status=HELD ~> 200 []
        "#,
    )
    .await;
    expect_free(&walk, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t13_a_count_that_somebody_gives_is_not_believed() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 1).await;
    for given in [0, 2, 5] {
        walk.knows("given", given);
        walk.converse(
            r#"
            mia POST /events/$event/performances
                {"startAt":"2031-05-02T19:30:00Z","totalSeats":3,"availableSeats":$given}
                -> 201 {"id":"$other = digits","totalSeats":3,"availableSeats":3}
            nobody GET /performances/$other -> 200 {"totalSeats":3,"availableSeats":3}
            nobody GET /performances/$other/seats?status=AVAILABLE -> 200 [{},{},{}]
            "#,
        )
        .await;
    }
    assert_ne!(walk.word("other"), &Value::Null);
}
