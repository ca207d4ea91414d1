//! Who calls: the cookie, where it is believed; otherwise whoever the token says, and the cookie must agree.

use crate::client::Caller;
use crate::s3::open_concert;
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_believed_a_booking_needs_a_token() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.arrives("tom").await;
    walk.declares("ann");
    let both = |walk: &Walk, uid: &str| Caller::TokenAndCookie(walk.token("mia"), walk.text(uid));
    let (agreeing, lying, borrowing) = (both(&walk, "mia"), both(&walk, "ann"), both(&walk, "tom"));
    walk.is_called("agreeing", agreeing);
    walk.is_called("lying", lying);
    walk.is_called("borrowing", borrowing);
    walk.converse(
        r#"
        operator POST /event {"name":"Concert","description":"Loud","date":"2031-05-01","venue":"Hall"}
            -> 201 {"event_id":"$event = digits"}
        operator POST /event/$event/ticket
            {"ticket_type":"Floor","seat_type":"General","description":"To stand","quantity":5,"price":20}
            -> 201 {"ticket_type_id":"$general = digits"}

        nobody POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 401
        ann POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 401
        lying POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 403
        borrowing POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 403
        nobody POST /event {"name":"Another","description":"-","date":"2031-05-01","venue":"Hall"} -> 401

        mia POST /event/$event/booking {"ticket_type_id":"$general","quantity":1}
            -> 201 {"booking_id":"$booking = digits"}
        mia GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        agreeing GET /booking/$booking/status -> 200 {"booking_status":"PaymentPending"}
        nobody GET /booking/$booking/status -> 401
        ann GET /booking/$booking/status -> 401
        tom GET /booking/$booking/status -> 404
        tom POST /booking/$booking/payment -> 404
        nobody POST /booking/$booking/payment -> 401
        ann POST /booking/$booking/cancel -> 401
        lying POST /booking/$booking/payment -> 403
        agreeing POST /booking/$booking/payment -> 200 {"booking_id":"$booking"}
        mia GET /booking/$booking/status ~> 200 {"booking_status":"Confirmed"}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_cookie_is_believed_there_must_be_one_to_book() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.arrives("mia").await;
    let lying = Caller::TokenAndCookie(walk.token("mia"), walk.text("ann"));
    walk.is_called("lying", lying);
    walk.converse(
        r#"
        nobody POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 401
        lying POST /event/$event/booking {"ticket_type_id":"$general","quantity":1} -> 403
        ann POST /event/$event/booking {"ticket_type_id":"$general","quantity":1}
            -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        nobody POST /booking/$booking/payment -> 401
        nobody POST /booking/$booking/cancel -> 401
        mia POST /booking/$booking/cancel -> 404
        ann GET /booking/$booking/status -> 200 {"booking_status":"PaymentPending"}
        "#,
    )
    .await;
}
