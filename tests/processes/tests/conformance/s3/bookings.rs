//! `/event/{id}/booking` and `/booking/{id}`: tried by a worker, then paid, cancelled, or over.

use crate::s3::{open_concert, open_concert_kept_for};
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_tried_paid_and_confirmed() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a1","$a2"],"color":"red"}
            -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status -> 200 {"booking_status":"$one_of InProcess|PaymentPending"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        ann POST /booking/$booking/payment -> 200 {"booking_id":"$booking"}
        ann GET /booking/$booking/status -> 200 {"booking_status":"$one_of PaymentPending|Confirmed"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"Confirmed"}

        bob POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$late = digits"}
        bob GET /booking/$late/status ~> 200 {"booking_status":"Rejected"}
        "#,
    )
    .await;
    // What is over stays so, whatever is said to a second payment or a cancellation.
    walk.converse(
        r#"
        ann POST /booking/$booking/payment -> 200|409
        ann POST /booking/$booking/cancel -> 200|409
        bob POST /booking/$late/payment -> 200|409
        bob POST /booking/$late/cancel -> 200|409
        bob POST /event/$event/booking {"ticket_ids":["$a3"]} -> 201 {"booking_id":"$next = digits"}
        bob GET /booking/$next/status ~> 200 {"booking_status":"PaymentPending"}
        ann GET /booking/$booking/status -> 200 {"booking_status":"Confirmed"}
        bob GET /booking/$late/status -> 200 {"booking_status":"Rejected"}
        ann GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","ticket_status":"Booked"},{"ticket_id":"$a2","ticket_status":"Booked"},"..."]
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_booking_gives_its_tickets_back() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a1","$a2"]} -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        ann POST /booking/$booking/cancel -> 200 {"booking_id":"$booking"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"Canceled"}
        ann GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","ticket_status":"Available"},{"ticket_id":"$a2","ticket_status":"Available"},"..."]
        ann POST /booking/$booking/payment -> 200|409
        ann POST /booking/$booking/cancel -> 200|409

        bob POST /event/$event/booking {"ticket_ids":["$a2"]} -> 201 {"booking_id":"$next = digits"}
        bob GET /booking/$next/status ~> 200 {"booking_status":"PaymentPending"}
        ann GET /booking/$booking/status -> 200 {"booking_status":"Canceled"}
        bob POST /booking/$next/payment -> 200 {"booking_id":"$next"}
        bob GET /booking/$next/status ~> 200 {"booking_status":"Confirmed"}
        ann GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","ticket_status":"Available"},{"ticket_id":"$a2","ticket_status":"Booked"},"..."]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_gets_all_its_tickets_or_none() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$first = digits"}
        ann GET /booking/$first/status ~> 200 {"booking_status":"PaymentPending"}
        bob POST /event/$event/booking {"ticket_ids":["$a1","$a2"]} -> 201 {"booking_id":"$second = digits"}
        bob GET /booking/$second/status ~> 200 {"booking_status":"Rejected"}
        bob GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","ticket_status":"Reserved"},{"ticket_id":"$a2","ticket_status":"Available"},"..."]

        ann POST /event/$event/booking {"ticket_type_id":"$general","quantity":4} -> 201 {"booking_id":"$four = digits"}
        ann GET /booking/$four/status ~> 200 {"booking_status":"PaymentPending"}
        bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":2} -> 201 {"booking_id":"$two = digits"}
        bob GET /booking/$two/status ~> 200 {"booking_status":"Rejected"}
        bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 201 {"booking_id":"$one = digits"}
        bob GET /booking/$one/status ~> 200 {"booking_status":"PaymentPending"}
        bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":6} -> 201 {"booking_id":"$six = digits"}
        bob GET /booking/$six/status ~> 200 {"booking_status":"Rejected"}
        bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":0} -> 201 {"booking_id":"$none = digits"}
        bob GET /booking/$none/status ~> 200 {"booking_status":"Rejected"}

        ann POST /booking/$four/cancel -> 200 {"booking_id":"$four"}
        ann GET /booking/$four/status ~> 200 {"booking_status":"Canceled"}
        bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":4} -> 201 {"booking_id":"$again = digits"}
        bob GET /booking/$again/status ~> 200 {"booking_status":"PaymentPending"}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_is_not_paid_in_time_is_rejected() {
    let mut walk = Walk::open_trusting().await;
    open_concert_kept_for(&mut walk, 3).await;
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"Rejected"}
        ann GET /ticket?ticket_type_id=$named -> 200 [{"ticket_id":"$a1","ticket_status":"Available"},"..."]
        bob POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$next = digits"}
        bob GET /booking/$next/status ~> 200 {"booking_status":"PaymentPending"}
        ann GET /booking/$booking/status -> 200 {"booking_status":"Rejected"}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_in_process_until_it_was_tried() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    // Bookings are tried at one a second: the last has to wait.
    walk.converse(r#"operator PUT /v1/policies/cluster {"admissionPerSecond":1} -> 200|204"#).await;
    for _ in 0..4 {
        walk.converse(r#"bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 201"#)
            .await;
    }
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status -> 200 {"booking_status":"InProcess"}
        ann GET /ticket?ticket_type_id=$named -> 200 [{"ticket_id":"$a1","ticket_status":"Available"},"..."]
        ann GET /booking/$booking/status?wait=5 ~> 200 {"booking_status":"PaymentPending"}
        ann GET /ticket?ticket_type_id=$named -> 200 [{"ticket_id":"$a1","ticket_status":"Reserved"},"..."]
        operator PUT /v1/policies/cluster {"admissionPerSecond":null} -> 200|204
        ann POST /booking/$booking/payment -> 200 {"booking_id":"$booking"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"Confirmed"}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_malformed_or_anothers_is_refused() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}

        bob GET /booking/$booking/status -> 404
        bob GET /booking/$booking/ticket -> 404
        bob POST /booking/$booking/payment -> 404
        bob POST /booking/$booking/cancel -> 404
        ann GET /booking/999999/status -> 404
        ann GET /booking/999999/ticket -> 404
        ann POST /booking/999999/payment -> 404
        ann POST /booking/999999/cancel -> 404
        ann GET /booking/none/status -> 400|404
        ann POST /event/999999/booking {"ticket_type_id":"$general","quantity":1} -> 404

        ann POST /event/$event/booking {} -> 400 map
        ann POST /event/$event/booking {"quantity":1} -> 400 map
        ann POST /event/$event/booking {"ticket_type_id":"$general"} -> 400 map quantity
        ann POST /event/$event/booking {"ticket_type_id":"$general","quantity":"1"} -> 400 map quantity
        ann POST /event/$event/booking {"ticket_ids":"$a2"} -> 400 map ticket_ids
        ann POST /event/$event/booking { -> 400

        ann GET /booking/$booking/status -> 200 {"booking_status":"PaymentPending"}
        "#,
    )
    .await;
}
