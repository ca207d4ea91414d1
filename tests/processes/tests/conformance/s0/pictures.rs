//! The pictures of codes, as a scanner at the gate sees them.

mod reader;

use std::time::Duration;

use holdfast_processes::{Program, until};
use jiff::{SignedDuration, Timestamp};

use crate::client::{Ask, Caller, Client, PATIENCE};
use crate::walk::Walk;

use super::{open_park, open_park_in};
use reader::written;

const SCAN_DURATION_MAX: Duration = Duration::from_secs(20);

/// The path and query of a URL, and whoever has no token at all nodes.
fn behind(walk: &Walk, url: &str) -> (Client, String) {
    let Some((_, path)) = url.split_once("/q/") else { panic!("{url} is no picture's") };
    (Client::new(walk.stage.addresses(), Caller::Nobody), format!("/q/{path}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_reads_the_code_that_lets_the_party_in() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":2,$now} -> 201 {"bookingId":"$booking = count"}
        mia GET /rides/code/$booking -> 200 {"s3PresignedUrl":"$url = text"}
        "#,
    )
    .await;
    let (anybody, path) = behind(&walk, &walk.text("url"));
    let picture = anybody.ask(&Ask::get(&path)).await;
    let code = written(&picture.bytes);
    assert!(path.starts_with(&format!("/q/{code}.png?")), "{path} shows {code}");

    // Offline: all that a scanner knows are the cluster's public keys.
    let keys = walk.stage.dir().join("keys.json");
    std::fs::write(&keys, anybody.ask(&Ask::get("/v1/keys")).await.bytes).unwrap();
    let keys = keys.display().to_string();
    for (code, exit) in [(code.clone(), 0), (walk.text("url"), 0), (code.replacen("HF2", "HF3", 1), 6)] {
        let ended = Program::start(&["scan", "--keys", &keys, &code], &[]).ended(SCAN_DURATION_MAX).await;
        assert_eq!(ended.code, Some(exit), "{code}: {} {}", ended.stdout, ended.stderr);
    }

    // Online: the same scan is one scan, another is told of it.
    walk.knows("code", code);
    walk.converse(
        r#"
        sam POST /v1/bookings/$booking/check-in {"token":"$code","nonce":"scan-1","place":"Gate 1"}
            -> 200 {"status":"used"}
        sam POST /v1/bookings/$booking/check-in {"token":"$code","nonce":"scan-1","place":"Gate 1"}
            -> 200 {"status":"used"}
        sam PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"$now_from"}
            -> 409 {"code":"already_used","usedAt":"$recent","usedPlace":"Gate 1"}
        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$booking","status":"USED"}]}
        mia GET /rides/code/$booking -> 409 problem already_used
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_expected_has_no_code() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":1,$now} -> 201 {"bookingId":"$booking = count"}
        mia GET /v1/bookings/$booking/code -> 200 {"token":"$code = text"}
        mia DELETE /rides/book/$booking -> 200
        mia GET /rides/code/$booking -> 409 problem already_cancelled
        sam POST /v1/bookings/$booking/check-in {"token":"$code","nonce":"scan-1"} -> 409 problem already_cancelled
        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$booking","status":"CANCELED"}]}
        "#,
    )
    .await;
}

/// The seed's URLs live for ten minutes. Here all clocks are set on by eleven, so everybody agrees that they have passed.
#[tokio::test(flavor = "multi_thread")]
async fn a_url_ends_after_ten_minutes_and_another_is_to_be_had() {
    let mut walk = open_park_in(Walk::open_with_clocks().await).await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":1,$soon} -> 201 {"bookingId":"$booking = count"}
        mia GET /rides/code/$booking -> 200 {"s3PresignedUrl":"$first = text"}
        "#,
    )
    .await;
    let (anybody, path) = behind(&walk, &walk.text("first"));
    let picture = anybody.ask(&Ask::get(&path)).await;
    assert_eq!(picture.status, 200, "{}", picture.json);

    let passed = SignedDuration::from_mins(11);
    for node in 0..walk.stage.addresses().len() {
        walk.stage.clock(node).set(passed);
    }
    let ended = until("the end of the URL", PATIENCE, async || {
        let reply = anybody.ask(&Ask::get(&path)).await;
        (reply.status != 200).then_some(reply)
    })
    .await;
    assert_eq!((ended.status, ended.code()), (410, "expired"), "{}", ended.json);

    walk.converse(r#"mia GET /rides/code/$booking -> 200 {"s3PresignedUrl":"$second = text"}"#).await;
    let (anybody, path) = behind(&walk, &walk.text("second"));
    let again = anybody.ask(&Ask::get(&path)).await;
    assert_eq!(again.status, 200, "{}", again.json);
    assert!(path.starts_with(&format!("/q/{}.png?", written(&again.bytes))), "{path}");
    let expires_at = path.split(['?', '&']).find_map(|part| part.strip_prefix("exp=")).unwrap();
    let left = expires_at.parse::<i64>().unwrap() - (Timestamp::now() + passed).as_second();
    assert!((540..=601).contains(&left), "{left} s are left to {path}");
}
