//! Who calls: whom the `UUID` names, where that is believed; otherwise whoever the token says, and the `UUID` must agree.

use crate::s1::name_seats;
use crate::s2::open_sale;
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_believed_tokens_are_needed() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.arrives("tom").await;
    walk.serves("sam", "staff").await;
    walk.declares("ann");
    walk.converse(
        r#"
        nobody POST /events/create {"name":"Match","totalSeats":10} -> 401 error
        ann POST /events/create {"name":"Match","totalSeats":10} -> 401 error
        mia POST /events/create {"name":"Match","totalSeats":10} -> 403 error
        sam POST /events/create {"name":"Match","totalSeats":10} -> 201 {"id":"$event = digits","totalSeats":10}
        operator POST /events/create {"name":"Final","totalSeats":10} -> 201 {"name":"Final"}
        mia GET /events/$event -> 200 {"id":"$event","name":"Match","totalSeats":10}
        "#,
    )
    .await;
    let list = format!("/seats/list/{}", walk.text("event"));
    name_seats(&mut walk, "mia", &list).await;
    // `GET /events/{id}` is also S1's, whose reading needs no token.
    walk.converse(
        r#"
        nobody GET /events/$event -> 200|401
        nobody GET /seats/list/$event -> 401 error
        nobody GET /seats/get/$seat1 -> 401 error
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 401 error
        nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"} -> 401 error
        nobody POST /seats/hold/refresh {"id":"$seat1","UUID":"$ann"} -> 401 error
        nobody POST /seats/refresh {"id":"$seat1","UUID":"$ann"} -> 401 error

        mia POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 403 error
        mia POST /seats/hold {"id":"$seat1","UUID":"$tom"} -> 403 error
        mia GET /seats/get/$seat1 -> 200 {"status":"Available","UUID":""}
        mia POST /seats/hold {"id":"$seat1","UUID":"$mia"} -> 202 {"jobId":"$job = digits"}
        nobody GET /seats/job/$job/status -> 401 error
        mia GET /seats/job/$job/status ~> 200 {"status":"completed","result":{"success":true,"status":200}}
        tom GET /seats/job/$job/status -> 404 error
        tom GET /seats/get/$seat1 -> 200 {"status":"On hold","UUID":"$mia"}

        tom POST /seats/reserve {"id":"$seat1","UUID":"$mia"} -> 403 error
        tom POST /seats/reserve {"id":"$seat1","UUID":"$tom"} -> 403 error
        tom POST /seats/refresh {"id":"$seat1","UUID":"$mia"} -> 403 error
        tom POST /seats/refresh {"id":"$seat1","UUID":"$tom"} -> 403 error
        mia POST /seats/refresh {"id":"$seat1","UUID":"$mia"} -> 200 {"message":"$text"}
        mia POST /seats/reserve {"id":"$seat1","UUID":"$mia"} -> 202 {"jobId":"$bought = digits"}
        mia GET /seats/job/$bought/status ~> 200 {"status":"completed","result":{"success":true}}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_believed_before_a_uuid() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.arrives("mia").await;
    walk.converse(
        r#"
        mia POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 403 error
        nobody GET /seats/get/$seat1 -> 200 {"status":"Available"}
        mia POST /seats/hold {"id":"$seat1","UUID":"$mia"} -> 202 {"jobId":"$job = digits"}
        mia GET /seats/job/$job/status ~> 200 {"status":"completed","result":{"success":true}}
        nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"} -> 403 error
        nobody GET /seats/get/$seat1 -> 200 {"status":"On hold","UUID":"$mia"}
        nobody GET /seats/job/999999999/status -> 404 error
        nobody GET /seats/job/none/status -> 400|404 error
        "#,
    )
    .await;
}
