//! The entrance code, and the check-in.

use holdfast_processes::Park;
use jiff::{SignedDuration, Timestamp};

use crate::client::{Ask, Caller, Client};

use super::{open_park, open_window, open_window_in};

/// The seed: how long a signed URL lives.
const URL_SECONDS: i64 = 600;

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_an_image_behind_a_url_signed_for_ten_minutes() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":2,$later} -> 201 {"bookingId":"$booking = count"}
        mia GET /rides/code/$booking -> 200 {"s3PresignedUrl":"$first = text"}
        mia GET /rides/code/$booking -> 200 {"s3PresignedUrl":"$second = text"}
        "#,
    )
    .await;
    for name in ["first", "second"] {
        let url = walk.text(name);
        let Some((_, rest)) = url.split_once("://") else { panic!("not absolute: {url}") };
        let Some((host, path)) = rest.split_once('/') else { panic!("no path: {url}") };
        assert!(walk.stage.addresses().iter().any(|address| address == host), "{host} is no node");
        assert!(path.starts_with("q/") && path.contains(".png?") && path.contains("sig="), "{url}");
        let Some(expires_at) = path.split(['?', '&']).find_map(|part| part.strip_prefix("exp=")) else {
            panic!("no exp in {url}")
        };
        let seconds = expires_at.parse::<i64>().unwrap() - Timestamp::now().as_second();
        assert!((URL_SECONDS - 30..=URL_SECONDS + 1).contains(&seconds), "{seconds} s are left to {url}");
        for address in walk.stage.addresses() {
            // Whoever has the URL needs nothing else, on whichever node.
            let anybody = Client::new(vec![address], Caller::Nobody);
            for (path, kind) in [
                (format!("/{path}"), "image/png"),
                (format!("/{}", path.replace(".png?", ".svg?")), "image/svg+xml"),
            ] {
                let image = anybody.ask(&Ask::get(&path)).await;
                let seen = image.headers.get("content-type").and_then(|kind| kind.to_str().ok());
                assert_eq!((image.status, seen), (200, Some(kind)), "{path}");
            }
            for path in [path.replace("sig=", "sig=A"), path.replace("exp=", "exp=1")] {
                assert_eq!(anybody.ask(&Ask::get(format!("/{path}"))).await.status, 403, "{path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cast_member_admits_a_party_once() {
    let mut walk = open_park().await;
    let sam = walk.number("sam");
    walk.knows("sam_number", sam);
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":2,$now} -> 201 {"bookingId":"$booking = count"}
        mia POST /rides/book {"rideId":$ride,"cnt":1,$soon} -> 201 {"bookingId":"$early = count"}
        mia POST /rides/book {"rideId":$ride,"cnt":1,$now} -> 201 {"bookingId":"$dropped = count"}
        mia DELETE /rides/book/$dropped -> 200

        mia PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"$now_from"} -> 403 problem
        sam PATCH /rides/book/$early/checkin {"status":"checked-in","checkInTime":"$soon_from"} -> 409 problem too_early
        sam PATCH /rides/book/$dropped/checkin {"status":"checked-in","checkInTime":"$now_from"}
            -> 409 problem already_cancelled
        mia GET /rides/book?size=3 -> 200 {"bookings":[{"status":"CANCELED"},{"status":"BOOKING"},{"status":"BOOKING"}]}

        sam PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"2001-01-01T00:00:00Z"}
            -> 200 {"success":true}
        mia GET /rides/book?order=asc&size=1 -> 200 {"bookings":[{"bookingId":"$booking","status":"USED"}]}
        sam PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"$now_from"}
            -> 409 problem already_used
        sam PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"$now_from"}
            -> 409 {"usedAt":"$recent","usedBy":"$sam_number"}
        mia DELETE /rides/book/$booking -> 409 problem already_used
        mia PUT /rides/book/$booking {"cnt":1,$soon} -> 409 problem already_used
        operator GET /v1/slots/$now_slot -> 200 {"pools":[{"capacity":20,"available":18,"confirmed":2}]}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_of_a_window_nobody_books_and_nobody_is_admitted() {
    let mut walk = open_park().await;
    let park = Park::open(&walk.stage.operator).await;
    walk.knows("ride", park.ride);
    let starts_at =
        Timestamp::from_second(Timestamp::now().as_second()).unwrap() - SignedDuration::from_mins(1);
    // It ends in a few seconds.
    open_window(&mut walk, park, "brief", (starts_at, SignedDuration::from_secs(65)), 5).await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":1,$brief} -> 201 {"bookingId":"$booking = count"}
        operator GET /v1/slots/$brief_slot ~> 200 {"status":"finished"}
        mia POST /rides/book {"rideId":$ride,"cnt":1,$brief} -> 409 problem too_late
        "#,
    )
    .await;
    // Whether the scheduler has released the booking yet is not of this page.
    walk.converse(
        r#"
        sam PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"$brief_from"}
            -> 409 problem too_late|no_show
        mia PUT /rides/book/$booking {"cnt":2,$brief} -> 409 problem too_late|no_show
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_is_open_for_as_long_as_policies_say() {
    let mut walk = open_park().await;
    // Two hours and a little before; and nobody is a no-show while the gate is open.
    walk.converse(
        r#"
        operator PUT /v1/policies/resource/$ride
            {"checkInEarlySeconds":7210,"checkInLateSeconds":600,"noShowGraceSeconds":7200} -> 200
        mia POST /rides/book {"rideId":$ride,"cnt":1,$soon} -> 201 {"bookingId":"$early = count"}
        mia POST /rides/book {"rideId":$ride,"cnt":1,$later} -> 201 {"bookingId":"$far = count"}
        sam PATCH /rides/book/$early/checkin {"status":"checked-in","checkInTime":"$now_from"} -> 200 {"success":true}
        sam PATCH /rides/book/$far/checkin {"status":"checked-in","checkInTime":"$later_from"} -> 409 problem too_early
        "#,
    )
    .await;
    open_window_in(&mut walk, "brief", (-60, 5), 5).await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":1,$brief} -> 201 {"bookingId":"$late = count"}
        operator GET /v1/slots/$brief_slot ~> 200 {"status":"finished"}
        sam PATCH /rides/book/$late/checkin {"status":"checked-in","checkInTime":"$brief_from"} -> 200 {"success":true}
        mia GET /rides/book?order=desc&size=1 -> 200 {"bookings":[{"bookingId":"$late","status":"USED"}]}
        "#,
    )
    .await;
}
