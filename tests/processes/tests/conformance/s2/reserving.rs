//! `POST /seats/reserve`: only what is on hold, and only by its holder.

use crate::s2::{hold, open_sale};
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_hold_is_bought_by_its_holder() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    hold(&walk, "seat1", "ann").await;
    walk.converse(
        r#"
        nobody POST /seats/reserve {"id":"$seat1","UUID":"$bob"} -> 403 error
        nobody POST /seats/reserve {"id":"$seat2","UUID":"$ann"} -> 409 error
        nobody POST /seats/reserve {"id":"999999999","UUID":"$ann"} -> 404 error
        nobody POST /seats/reserve {"UUID":"$ann"} -> 400 error
        nobody POST /seats/reserve {"id":"$seat1"} -> 400 error
        nobody POST /seats/reserve {"id":"$seat1","UUID":7.5} -> 400 error
        nobody POST /seats/reserve { -> 400 error
        nobody GET /seats/get/$seat1 -> 200 {"UUID":"$ann","status":"On hold"}

        nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"}
            -> 202 {"message":"$text","jobId":"$job = digits","position":"$count","estimatedWaitTime":"$number",
                    "statusEndpoint":"$ends /seats/job/$job/status"}
        nobody GET /seats/job/$job/status
            ~> 200 {"status":"completed","completedAt":"$millis",
                    "result":{"success":true,"status":200,"message":"$text",
                              "seat":{"id":"$seat1","eventId":"$event","UUID":"$string","status":"Reserved"}}}
        "#,
    )
    .await;
    // Whether a sold seat still shows its buyer the documents leave open: it shows nobody else.
    let sold =
        walk.converse(r#"nobody GET /seats/get/$seat1 -> 200 {"status":"Reserved","UUID":"$string"}"#).await;
    let shown = &sold.json["UUID"];
    assert!(shown == walk.word("ann") || shown == "", "{}", sold.json);
    walk.converse(
        r#"
        nobody GET /seats/list/$event -> 200 {"total":9}
        nobody POST /seats/reserve {"id":"$seat1","UUID":"$bob"} -> 403|409 error
        nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"} -> 409 error
        nobody POST /seats/hold {"id":"$seat1","UUID":"$bob"} -> 409 {"error":"$text","currentStatus":"Reserved"}
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 409 {"error":"$text","currentStatus":"Reserved"}
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sold_seat_outlives_its_hold() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"holdSeconds":3}}} -> 200|204"#)
        .await;
    // Bob's hold is made last: when it is gone, Ann's would be.
    hold(&walk, "seat1", "ann").await;
    walk.converse(
        r#"nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"} -> 202 {"jobId":"$job = digits"}"#,
    )
    .await;
    hold(&walk, "seat2", "bob").await;
    walk.converse(
        r#"
        nobody GET /seats/get/$seat2 ~> 200 {"status":"Available"}
        nobody GET /seats/get/$seat1 -> 200 {"status":"Reserved"}
        nobody GET /seats/job/$job/status -> 200 {"status":"completed","result":{"success":true}}
        nobody GET /seats/list/$event -> 200 {"total":9}
        "#,
    )
    .await;
}
