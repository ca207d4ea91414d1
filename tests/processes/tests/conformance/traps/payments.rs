//! S3: a payment that comes too late, and tickets without a limit of their own.

use std::time::{Duration, Instant};

use crate::s3::{open_concert, open_concert_kept_for};
use crate::walk::{Walk, hardly, passed};

#[tokio::test(flavor = "multi_thread")]
async fn t7_a_payment_after_the_end_of_a_hold_is_rejected_though_nobody_wanted_the_ticket() {
    const LIMIT: Duration = Duration::from_secs(3);
    // CONTRACT.md: gone for every read at the latest a second later.
    const GONE: Duration = Duration::from_secs(1);
    let mut walk = Walk::open_trusting().await;
    open_concert_kept_for(&mut walk, 3).await;
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        "#,
    )
    .await;
    // Nobody looks until then.
    passed(LIMIT + GONE, Instant::now()).await;
    walk.converse(
        r#"
        ann POST /booking/$booking/payment -> 200 {"booking_id":"$booking"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"Rejected"}
        ann GET /ticket?ticket_type_id=$named -> 200 [{"ticket_id":"$a1","ticket_status":"Available"},"..."]
        "#,
    )
    .await;

    // As soon as the ticket is seen to be free it is too late; in time it is not.
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_ids":["$a2"]} -> 201 {"booking_id":"$late = digits"}
        ann GET /booking/$late/status ~> 200 {"booking_status":"PaymentPending"}
        ann GET /ticket?ticket_type_id=$named ~> 200 [{"ticket_id":"$a2","ticket_status":"Available"},"..."]
        ann POST /booking/$late/payment -> 200 {"booking_id":"$late"}
        ann GET /booking/$late/status ~> 200 {"booking_status":"Rejected"}

        bob POST /event/$event/booking {"ticket_ids":["$a1","$a2"]} -> 201 {"booking_id":"$bought = digits"}
        bob GET /booking/$bought/status ~> 200 {"booking_status":"PaymentPending"}
        bob POST /booking/$bought/payment -> 200 {"booking_id":"$bought"}
        bob GET /booking/$bought/status ~> 200 {"booking_status":"Confirmed"}
        ann POST /booking/$booking/payment -> 200|409
        ann GET /booking/$booking/status -> 200 {"booking_status":"Rejected"}
        ann GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","ticket_status":"Booked"},{"ticket_id":"$a2","ticket_status":"Booked"},"..."]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_without_a_limit_of_its_own_a_ticket_is_kept_for_the_default_time() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    // The default is ten minutes: nobody takes what is reserved.
    walk.converse(
        r#"
        host POST /event/$event/ticket
            {"ticket_type":"Pit","seat_type":"General","description":"Close","quantity":2,"price":30,
             "reservation_limit_in_seconds":null}
            -> 201 {"ticket_type_id":"$pit = digits"}
        ann POST /event/$event/booking {"ticket_type_id":"$general","quantity":5} -> 201 {"booking_id":"$all = digits"}
        ann GET /booking/$all/status ~> 200 {"booking_status":"PaymentPending"}
        bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 201 {"booking_id":"$one = digits"}
        bob GET /booking/$one/status ~> 200 {"booking_status":"Rejected"}
        ann POST /event/$event/booking {"ticket_type_id":"$pit","quantity":2} -> 201 {"booking_id":"$both = digits"}
        ann GET /booking/$both/status ~> 200 {"booking_status":"PaymentPending"}
        bob POST /event/$event/booking {"ticket_type_id":"$pit","quantity":1} -> 201 {"booking_id":"$none = digits"}
        bob GET /booking/$none/status ~> 200 {"booking_status":"Rejected"}
        ann GET /booking/$all/status -> 200 {"booking_status":"PaymentPending"}
        ann POST /booking/$all/payment -> 200 {"booking_id":"$all"}
        ann GET /booking/$all/status ~> 200 {"booking_status":"Confirmed"}
        ann POST /booking/$both/cancel -> 200 {"booking_id":"$both"}
        ann GET /booking/$both/status ~> 200 {"booking_status":"Canceled"}
        "#,
    )
    .await;

    // And no longer than the default time.
    const HOLD: Duration = Duration::from_secs(3);
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s3":{"holdSeconds":3}}} -> 200|204"#)
        .await;
    let asked_at = Instant::now();
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_type_id":"$pit","quantity":2} -> 201 {"booking_id":"$brief = digits"}
        ann GET /booking/$brief/status ~> 200 {"booking_status":"PaymentPending"}
        ann GET /booking/$brief/status ~> 200 {"booking_status":"Rejected"}
        "#,
    )
    .await;
    assert!(asked_at.elapsed() >= hardly(HOLD), "kept for {:?}", asked_at.elapsed());
    walk.converse(
        r#"
        bob POST /event/$event/booking {"ticket_type_id":"$pit","quantity":2} -> 201 {"booking_id":"$next = digits"}
        bob GET /booking/$next/status ~> 200 {"booking_status":"PaymentPending"}
        "#,
    )
    .await;
}
