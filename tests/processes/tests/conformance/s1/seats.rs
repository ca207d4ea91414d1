//! `GET /performances/{id}/seats`: numbered from "1", in the order of the numbers, filtered by status.

use serde_json::Value;

use crate::client::Ask;
use crate::walk::Walk;

use super::open_show;

#[tokio::test(flavor = "multi_thread")]
async fn seats_come_in_the_order_of_their_numbers() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 12).await;
    walk.converse(
        r#"
        nobody GET /performances/$performance/seats
            -> 200 [{"id":"$id","performanceId":"$performance","seatNumber":"1","status":"AVAILABLE"}, "..."]
        "#,
    )
    .await;
    let path = format!("/performances/{}/seats", walk.text("performance"));
    let reply = walk.client("nobody").ask(&Ask::get(path)).await;
    let seats = reply.json.as_array().unwrap();
    let numbers: Vec<&str> = seats.iter().filter_map(|seat| seat["seatNumber"].as_str()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"], "{}", reply.json);
    let mut ids: Vec<&str> = seats.iter().filter_map(|seat| seat["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12, "each has an id of its own: {}", reply.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_filtered_by_status() {
    let mut walk = Walk::open().await;
    open_show(&mut walk, 4).await;
    walk.converse(
        r#"
        mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$bought = digits"}
        mia POST /reservations/$bought/confirm -> 200
        tom POST /reservations {"seatId":"$seat3"} -> 201
        nobody GET /performances/$performance/seats
            -> 200 [{"id":"$seat1","status":"OCCUPIED"},{"id":"$seat2","status":"AVAILABLE"},
                    {"id":"$seat3","status":"HELD"},{"id":"$seat4","status":"AVAILABLE"}]
        nobody GET /performances/$performance/seats?status=AVAILABLE
            -> 200 [{"id":"$seat2","status":"AVAILABLE"},{"id":"$seat4","status":"AVAILABLE"}]
        nobody GET /performances/$performance/seats?status=HELD -> 200 [{"id":"$seat3","status":"HELD"}]
        nobody GET /performances/$performance/seats?status=OCCUPIED -> 200 [{"id":"$seat1","status":"OCCUPIED"}]
        mia GET /performances/$performance/seats?status=OCCUPIED -> 200 [{"id":"$seat1"}]
        nobody GET /performances/$performance/seats?status=BROKEN -> 400 nest
        nobody GET /performances/$performance -> 200 {"totalSeats":4,"availableSeats":2}
        "#,
    )
    .await;
    // The table has no 404 here; an empty list is as good as one.
    let unknown = walk.client("nobody").ask(&Ask::get("/performances/999999/seats")).await;
    let is_empty = unknown.json == Value::Array(Vec::new());
    assert!(unknown.status == 404 || (unknown.status == 200 && is_empty), "{}", unknown.json);
}
