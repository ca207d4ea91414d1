//! `/user`: names for those who call, and who has booked what.

use crate::s3::open_concert;
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_created_books_and_is_counted() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.converse(
        r#"
        nobody POST /user {"name":"Mia the First","color":"red"} -> 201 {"user_id":"$mia = digits"}
        nobody POST /user {} -> 400 map name
        nobody POST /user {"name":7} -> 400 map name
        nobody POST /user {"name":""} -> 400 map name
        nobody POST /user { -> 400
        "#,
    )
    .await;
    // Her id is good as a cookie.
    walk.is_called("mia", crate::client::Caller::Cookie(walk.text("mia")));
    let stats = walk
        .converse(
            r#"
            mia POST /event/$event/booking {"ticket_ids":["$a2","$a3"]} -> 201 {"booking_id":"$booking = digits"}
            mia GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
            mia POST /booking/$booking/payment -> 200 {"booking_id":"$booking"}
            mia GET /booking/$booking/status ~> 200 {"booking_status":"Confirmed"}
            mia GET /user/stats -> 200
            "#,
        )
        .await;
    // A map of users to names of tickets, or rows of both: the documents say no more.
    let text = stats.json.to_string();
    assert!(stats.json.is_object() || stats.json.is_array(), "{text}");
    assert!(
        text.contains("\"Mia the First\"") || text.contains(&format!("\"{}\"", walk.text("mia"))),
        "{text}"
    );
    assert!(text.contains("\"A2\"") && text.contains("\"A3\"") && !text.contains("\"A1\""), "{text}");
}
