//! S2: refreshing, the order of jobs, what is known of them and for how long, the limit under a race, and that each ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use holdfast_processes::until;
use tokio::task::JoinSet;

use crate::client::Ask;
use crate::s2::{Acted, act, end_of, hold, open_sale, wish};
use crate::walk::{Walk, hardly, passed};

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_refreshed_hold_lives_a_full_period_more() {
    const HOLD: Duration = Duration::from_secs(4);
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"holdSeconds":4}}} -> 200|204"#)
        .await;
    for path in ["/seats/hold/refresh", "/seats/refresh"] {
        let held_at = Instant::now();
        hold(&walk, "seat1", "ann").await;
        passed(HOLD / 2, held_at).await;
        let refreshed_at = Instant::now();
        let refresh =
            format!(r#"nobody POST {path} {{"id":"$seat1","UUID":"$ann"}} -> 200 {{"message":"$text"}}"#);
        walk.converse(&refresh).await;
        let free = r#"nobody GET /seats/get/$seat1 ~> 200 {"status":"Available","UUID":""}"#;
        walk.converse(free).await;
        let lived = refreshed_at.elapsed();
        assert!(lived >= hardly(HOLD), "{path}: after it was refreshed, the hold lived {lived:?}");
        assert!(lived <= HOLD * 2, "{path}: a period more, not {lived:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_of_queued_holds_on_one_seat_the_first_wins() {
    const RIVALS: usize = 8;
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 20).await;
    let nobody = walk.client("nobody");
    walk.converse(r#"operator PUT /v1/policies/cluster {"admissionPerSecond":1} -> 200|204"#).await;
    // Others keep the queue busy while the rivals come, one after the other.
    for seat in 2..=9 {
        let ask = wish("/seats/hold", walk.word(&format!("seat{seat}")), &uuid::Uuid::new_v4().to_string());
        assert_eq!(nobody.ask(&ask).await.status, 202);
    }
    let rivals: Vec<String> = (0..RIVALS).map(|_| uuid::Uuid::new_v4().to_string()).collect();
    let mut queued = Vec::new();
    for rival in &rivals {
        let reply = nobody.ask(&wish("/seats/hold", walk.word("seat1"), rival)).await;
        assert_eq!(reply.status, 202, "nobody has the seat yet: {}", reply.json);
        queued.push(reply);
    }
    walk.converse(r#"operator PUT /v1/policies/cluster {"admissionPerSecond":null} -> 200|204"#).await;

    let mut moments = Vec::new();
    for (number, accepted) in queued.iter().enumerate() {
        let job = end_of(&nobody, accepted).await;
        assert_eq!(job["result"]["success"] == true, number == 0, "rival {number}: {job}");
        moments.push(job["completedAt"].as_u64().unwrap_or_else(|| panic!("no completedAt in {job}")));
    }
    assert!(moments.is_sorted(), "jobs complete in the order they came: {moments:?}");
    walk.knows("first", rivals[0].as_str());
    walk.converse(r#"nobody GET /seats/get/$seat1 -> 200 {"status":"On hold","UUID":"$first"}"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t9_a_job_that_waits_is_known_and_one_that_never_was_is_not() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"admissionPerSecond":1} -> 200|204"#).await;
    for seat in 1..=4 {
        let seat = format!("seat{seat}");
        walk.converse(&format!(r#"nobody POST /seats/hold {{"id":"${seat}","UUID":"$ann"}} -> 202"#)).await;
    }
    walk.converse(
        r#"
        nobody POST /seats/hold {"id":"$seat5","UUID":"$ann"} -> 202 {"jobId":"$job = digits"}
        nobody GET /seats/job/$job/status -> 200 {"status":"waiting","result":"$absent"}
        nobody GET /seats/job/999999999/status -> 404 error
        nobody GET /seats/job/$job/status ~> 200 {"status":"completed","result":{"success":true,"status":200}}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_a_result_is_forgotten_after_its_time() {
    const KEPT: Duration = Duration::from_secs(2);
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"jobResultSeconds":2} -> 200|204"#).await;
    let asked_at = Instant::now();
    walk.converse(
        r#"
        nobody POST /seats/hold {"id":"$seat1","UUID":"$ann"} -> 202 {"jobId":"$job = digits"}
        nobody GET /seats/job/$job/status ~> 200 {"status":"completed","result":{"success":true}}
        nobody GET /seats/job/$job/status ~> 404 error
        "#,
    )
    .await;
    assert!(asked_at.elapsed() >= hardly(KEPT), "the result was kept for {:?}", asked_at.elapsed());
    // The job is forgotten, not what it did.
    walk.converse(r#"nobody GET /seats/get/$seat1 -> 200 {"status":"On hold","UUID":"$ann"}"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_of_fifty_parallel_holds_of_one_user_six_succeed() {
    const HOLDS: usize = 50;
    const MAX: usize = 6;
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, HOLDS).await;
    let mut calls = JoinSet::new();
    for seat in 1..=HOLDS {
        let ask = wish("/seats/hold", walk.word(&format!("seat{seat}")), &walk.text("ann"));
        let nobody = walk.client("nobody");
        calls.spawn(async move { act(&nobody, &ask).await });
    }
    let acted = calls.join_all().await;
    let successes = acted.iter().filter(|acted| acted.is_success()).count();
    let refusals = acted.iter().filter(|acted| acted.inner_status() == Some(429)).count();
    let others = acted.iter().find(|acted| !acted.is_success() && acted.inner_status() != Some(429));
    assert_eq!((successes, refusals), (MAX, HOLDS - MAX), "{:?}", others.map(Acted::told));
    walk.converse(r#"nobody GET /seats/list/$event -> 200 {"total":44}"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_every_accepted_job_comes_to_an_end_though_the_leader_dies() {
    const SEATS: usize = 40;
    const CALLS: usize = 160;
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, SEATS).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"holdSeconds":600}}} -> 200|204"#)
        .await;
    let leader = walk.stage.cluster.leader().await.unwrap();
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let user = uuid::Uuid::new_v4().to_string();
        let seat = walk.text(&format!("seat{}", 1 + number % SEATS));
        let (nobody, ask) = (walk.client("nobody"), wish("/seats/hold", &seat.as_str().into(), &user));
        calls.spawn(async move { (seat, user, act(&nobody, &ask).await) });
    }
    walk.stage.cluster.kill(leader).await.unwrap();

    // `act` waits until each job is completed, whichever nodes are there.
    let mut owners = BTreeMap::new();
    for (seat, user, acted) in calls.join_all().await {
        match &acted {
            Acted::Refused(reply) => assert_eq!(reply.status, 409, "{}", reply.json),
            Acted::Ended(_) if acted.is_success() => {
                assert_eq!(owners.insert(seat.clone(), user), None, "two hold {seat}");
            }
            Acted::Ended(job) => assert!(matches!(acted.inner_status(), Some(409 | 423)), "{job}"),
        }
    }
    assert_eq!(owners.len(), SEATS, "somebody has each seat: {owners:?}");
    walk.stage.restart_all().await;
    for (seat, user) in &owners {
        let shown = walk.client("nobody").insist(&Ask::get(format!("/seats/get/{seat}"))).await;
        assert_eq!((&shown.json["status"], &shown.json["UUID"]), (&"On hold".into(), &user.as_str().into()));
    }
    walk.stage.digest().await;
}

/// A hold refreshed again and again does not end, and ends once it is refreshed no more.
#[tokio::test(flavor = "multi_thread")]
async fn t4_a_hold_lives_as_long_as_it_is_refreshed() {
    const HOLD: Duration = Duration::from_secs(2);
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"holdSeconds":2}}} -> 200|204"#)
        .await;
    let began_at = Instant::now();
    hold(&walk, "seat1", "ann").await;
    let (nobody, refresh) =
        (walk.client("nobody"), wish("/seats/refresh", walk.word("seat1"), &walk.text("ann")));
    until("three periods have passed", HOLD * 10, async || {
        let refreshed = nobody.ask(&refresh).await;
        assert_eq!(refreshed.status, 200, "after {:?}: {}", began_at.elapsed(), refreshed.json);
        (began_at.elapsed() > HOLD * 3).then_some(())
    })
    .await;
    walk.converse(r#"nobody GET /seats/get/$seat1 ~> 200 {"status":"Available"}"#).await;
}
