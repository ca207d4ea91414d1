//! `POST /seats/hold`: accepted at once, done by a job, over after the hold time.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::client::Ask;
use crate::s2::{hold, open_sale};
use crate::walk::{Walk, hardly};

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_accepted_and_its_job_says_how_it_went() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(
        r#"
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann","color":"red"}
            -> 202 {"message":"$text","jobId":"$job = digits","position":"$count","estimatedWaitTime":"$number",
                    "statusEndpoint":"$ends /seats/job/$job/status"}
        nobody GET /seats/job/$job/status
            ~> 200 {"status":"completed","completedAt":"$millis",
                    "result":{"success":true,"status":200,"message":"Seat held for 60 seconds.","error":"$absent",
                              "seat":{"id":"$seat1","eventId":"$event","UUID":"$ann","status":"On hold"}}}
        nobody GET /seats/get/$seat1 -> 200 {"id":"$seat1","eventId":"$event","UUID":"$ann","status":"On hold"}

        nobody POST /seats/hold {"id":"$seat1","UUID":"$bob"} -> 409 {"error":"$text","currentStatus":"On hold"}
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 409 {"error":"$text","currentStatus":"On hold"}
        nobody GET /seats/get/$seat1 -> 200 {"UUID":"$ann","status":"On hold"}
        "#,
    )
    .await;
    // The default of a minute, as the native API sees it.
    walk.converse(
        r#"operator GET /v1/bookings?status=held -> 200 {"items":[{"status":"held","expiresAt":"$expires_at = instant"}]}"#,
    )
    .await;
    let expires_at: Timestamp = walk.text("expires_at").parse().unwrap();
    let seconds = expires_at.as_second() - Timestamp::now().as_second();
    assert!((30..=61).contains(&seconds), "{seconds} s are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_names_nothing_is_refused_at_once() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(
        r#"
        nobody POST /seats/hold {"UUID":"$ann"} -> 400 error
        nobody POST /seats/hold {"id":"$seat1"} -> 400 error
        nobody POST /seats/hold {} -> 400 error
        nobody POST /seats/hold {"id":null,"UUID":"$ann"} -> 400 error
        nobody POST /seats/hold {"id":"$seat1","UUID":null} -> 400 error
        nobody POST /seats/hold {"id":true,"UUID":"$ann"} -> 400 error
        nobody POST /seats/hold {"id":"$seat1","UUID":true} -> 400 error
        nobody POST /seats/hold {"id":"$seat1","UUID":""} -> 400|422 error
        nobody POST /seats/hold { -> 400 error
        nobody POST /seats/hold {"id":"999999999","UUID":"$ann"} -> 404 error
        nobody GET /seats/list/$event -> 200 {"total":10}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_lapses_and_the_seat_is_anybodys() {
    const HOLD: Duration = Duration::from_secs(2);
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"holdSeconds":2}}} -> 200|204"#)
        .await;
    let asked_at = Instant::now();
    walk.converse(
        r#"
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 202 {"jobId":"$job = digits"}
        nobody GET /seats/job/$job/status
            ~> 200 {"status":"completed","result":{"success":true,"message":"Seat held for 2 seconds."}}
        nobody GET /seats/get/$seat1 ~> 200 {"status":"Available","UUID":""}
        "#,
    )
    .await;
    assert!(asked_at.elapsed() >= hardly(HOLD), "the seat was free after {:?}", asked_at.elapsed());
    walk.converse(
        r#"
        nobody GET /seats/list/$event -> 200 {"total":10}
        nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"} -> 409 error
        nobody POST /seats/hold/refresh {"id":"$seat1","UUID":"$ann"} -> 409 error
        "#,
    )
    .await;
    hold(&walk, "seat1", "bob").await;
    // Nobody has to look for it to be over.
    let free = Ask::get(format!("/seats/get/{}", walk.text("seat1")));
    let held = walk.client("nobody").ask(&free).await;
    assert_eq!((held.status, &held.json["UUID"]), (200, walk.word("bob")), "{}", held.json);
}
