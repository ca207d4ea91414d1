//! `GET /seats/job/{jobId}/status`: jobs that wait, in the order they came, and what becomes of them. A cluster that admits
//! one job a second shows them waiting.

use std::time::Duration;

use crate::client::Ask;
use crate::s2::{end_of, hold, open_sale, wish};
use crate::walk::Walk;

/// Jobs of others that are queued before what a test is about: so many seconds, at one a second.
const BEFORE: usize = 6;

/// Lets one job in a second, and queues some of other people's, on the last seats of an event of twenty.
async fn crowd(walk: &mut Walk) {
    walk.converse(r#"operator PUT /v1/policies/cluster {"admissionPerSecond":1} -> 200|204"#).await;
    let client = walk.client("nobody");
    for number in 0..BEFORE {
        let seat = walk.word(&format!("seat{}", 20 - number));
        let ask = wish("/seats/hold", seat, &uuid::Uuid::new_v4().to_string());
        let queued = client.ask(&ask).await;
        assert_eq!(queued.status, 202, "{}", queued.json);
    }
}

/// As many as there are, at once.
async fn disperse(walk: &mut Walk) {
    walk.converse(r#"operator PUT /v1/policies/cluster {"admissionPerSecond":null} -> 200|204"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_those_before_it() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 20).await;
    crowd(&mut walk).await;
    walk.converse(
        r#"
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"}
            -> 202 {"jobId":"$first = digits","position":"$first_position = count","estimatedWaitTime":"$wait = number"}
        nobody POST /seats/hold {"id":"$seat2","UUID":"$bob"}
            -> 202 {"jobId":"$second = digits","position":"$second_position = count"}
        nobody GET /seats/job/$second/status
            -> 200 {"status":"$one_of waiting|active","result":"$absent","completedAt":"$absent"}
        nobody GET /seats/get/$seat2 -> 200 {"status":"Available","UUID":""}
        "#,
    )
    .await;
    let [first, second] = ["first_position", "second_position"].map(|word| walk.number(word));
    assert!(first >= 1 && second >= 1, "positions {first} and {second} of those behind a crowd");
    assert!(second <= first + 1, "the second waits for the first and whom that waits for: {first}, {second}");
    let wait = walk.word("wait").as_f64().unwrap();
    assert!(wait > 0.0, "whoever waits is told how long, not {wait}");
    disperse(&mut walk).await;
    walk.converse(
        r#"
        nobody GET /seats/job/$second/status
            ~> 200 {"status":"completed","result":{"success":true},"completedAt":"$second_at = millis"}
        nobody GET /seats/job/$first/status
            -> 200 {"status":"completed","result":{"success":true},"completedAt":"$first_at = millis"}
        "#,
    )
    .await;
    assert!(walk.number("first_at") <= walk.number("second_at"), "jobs complete in their order");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_are_admitted_than_the_policy_says() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 20).await;
    crowd(&mut walk).await;
    let nobody = walk.client("nobody");
    let mut completed_at = Vec::new();
    for seat in ["seat1", "seat2", "seat3"] {
        let queued = nobody.ask(&wish("/seats/hold", walk.word(seat), &walk.text("ann"))).await;
        assert_eq!(queued.status, 202, "{}", queued.json);
        completed_at.push(queued);
    }
    let mut moments = Vec::new();
    for queued in &completed_at {
        let job = end_of(&nobody, queued).await;
        moments.push(job["completedAt"].as_u64().unwrap_or_else(|| panic!("no completedAt in {job}")));
    }
    assert!(moments.is_sorted(), "{moments:?}");
    // Rate r admits at most ceil(r t) + 1 jobs in t seconds: three of them take more than one.
    assert!(moments[2] - moments[0] > 1000, "{moments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_overtaken_while_his_job_waits_is_told_by_its_result() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 20).await;
    crowd(&mut walk).await;
    walk.converse(
        r#"
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 202 {"jobId":"$first = digits"}
        nobody POST /seats/hold {"id":"$seat1","UUID":"$bob"} -> 202 {"jobId":"$second = digits"}
        "#,
    )
    .await;
    disperse(&mut walk).await;
    let lost = walk
        .converse(
            r#"
            nobody GET /seats/job/$second/status
                ~> 200 {"status":"completed","completedAt":"$millis","result":{"success":false,"message":"$text"}}
            nobody GET /seats/job/$first/status -> 200 {"status":"completed","result":{"success":true,"status":200}}
            nobody GET /seats/get/$seat1 -> 200 {"status":"On hold","UUID":"$ann"}
            nobody GET /seats/job/$second/status -> 200 {"status":"completed"}
            "#,
        )
        .await;
    // On hold by another is "already locked" (423) and "not available" (409): the documents have both.
    let status = &lost.json["result"]["status"];
    assert!(status == 423 || status == 409, "{}", lost.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_lapses_while_its_purchase_waits_buys_nothing() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 20).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"holdSeconds":3}}} -> 200|204"#)
        .await;
    hold(&walk, "seat1", "ann").await;
    crowd(&mut walk).await;
    // Who has a seat goes before those who want one, so nobody at all is let in meanwhile.
    let late = walk
        .converse(
            r#"
            operator PUT /v1/policies/cluster {"admissionPerSecond":0} -> 200|204
            nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"} -> 202 {"jobId":"$late = digits"}
            nobody GET /seats/get/$seat1 ~> 200 {"status":"Available"}
            operator PUT /v1/policies/cluster {"admissionPerSecond":1} -> 200|204
            nobody GET /seats/job/$late/status
                ~> 200 {"status":"completed","result":{"success":false,"message":"$text"}}
            nobody GET /seats/job/$late/status -> 200 {"status":"completed"}
            "#,
        )
        .await;
    // "Not holder / not on hold" is 403 in the seed's code, "not on hold" 409 in its text.
    let status = &late.json["result"]["status"];
    assert!(status == 403 || status == 409, "{}", late.json);
    walk.converse(r#"nobody GET /seats/get/$seat1 -> 200 {"status":"Available","UUID":""}"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_shows_what_the_seed_keeps_of_it() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(
        r#"
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"}
            -> 202 {"jobId":"$job = digits","statusEndpoint":"$where = text"}
        nobody GET /seats/job/$job/status
            ~> 200 {"id":"$job","type":"HOLD_SEAT","data":{"seatId":"$seat1","userUUID":"$ann"},"status":"completed",
                    "createdAt":"$created_at = millis","completedAt":"$completed_at = millis"}
        nobody POST /seats/reserve {"id":"$seat1","UUID":"$ann"} -> 202 {"jobId":"$next = digits"}
        nobody GET /seats/job/$next/status
            ~> 200 {"id":"$next","type":"RESERVE_SEAT","data":{"seatId":"$seat1","userUUID":"$ann"},
                    "status":"completed"}
        "#,
    )
    .await;
    assert!(walk.number("created_at") <= walk.number("completed_at"));
    // A path, or a whole URL.
    let place = walk.text("where");
    let path = place.find("/seats/job/").map(|start| place[start..].to_owned()).unwrap();
    let reply = walk.client("nobody").ask(&Ask::get(path)).await;
    assert_eq!((reply.status, &reply.json["status"]), (200, &"completed".into()), "{place}: {}", reply.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_may_ask_to_be_kept_waiting() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 20).await;
    // Two seconds of others' jobs: less than the wait that is asked for.
    walk.converse(r#"operator PUT /v1/policies/cluster {"admissionPerSecond":1} -> 200|204"#).await;
    let nobody = walk.client("nobody");
    let asks: [fn(&str) -> Ask; 2] =
        [|path| Ask::get(format!("{path}?wait=5")), |path| Ask::get(path).with_header("prefer", "wait=5")];
    for (number, ask) in (1..).zip(asks) {
        for before in 0..2 {
            let seat = walk.word(&format!("seat{}", 4 * number + before));
            let ask = wish("/seats/hold", seat, &uuid::Uuid::new_v4().to_string());
            assert_eq!(nobody.ask(&ask).await.status, 202);
        }
        let queued =
            nobody.ask(&wish("/seats/hold", walk.word(&format!("seat{number}")), &walk.text("ann"))).await;
        assert_eq!(queued.status, 202, "{}", queued.json);
        let path = format!("/seats/job/{}/status", queued.json["jobId"].as_str().unwrap_or_default());
        let asked_at = std::time::Instant::now();
        let reply = nobody.ask(&ask(&path)).await;
        assert_eq!((reply.status, &reply.json["status"]), (200, &"completed".into()), "{}", reply.json);
        assert!(asked_at.elapsed() < Duration::from_secs(10), "one call, not {:?}", asked_at.elapsed());
    }
}
