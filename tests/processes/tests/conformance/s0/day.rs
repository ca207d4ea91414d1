//! What happens by itself: guests are reminded and bookings become ready, and parties that do not come lose their places.

use std::collections::BTreeSet;

use holdfast_cluster::Reply;
use holdfast_processes::until;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::client::{Ask, PATIENCE};
use crate::walk::Walk;

use super::phones::open_park_with_phones;
use super::{open_park, open_window_in};

/// Guests are reminded so long before the start, unless a policy says otherwise.
const LEAD_SECONDS: i64 = 15 * 60;

/// The status of somebody's only booking, and when it was told.
async fn only_status(walk: &Walk, who: &str) -> (String, Timestamp) {
    let Reply { json, .. } = walk.client(who).insist(&Ask::get("/rides/book")).await;
    let [row] = &json["bookings"].as_array().unwrap()[..] else { panic!("not one booking: {json}") };
    (row["status"].as_str().unwrap().to_owned(), Timestamp::now())
}

/// Waits until somebody's only booking has become a no-show: not before it is due.
async fn becomes_no_show(walk: &Walk, who: &str, due_at: Timestamp) {
    until("a no-show", PATIENCE, async || {
        let (status, told_at) = only_status(walk, who).await;
        match status.as_str() {
            "BOOKING" => None,
            "NO-SHOW" => {
                assert!(told_at >= due_at, "at {told_at} it is not over, but at {due_at}");
                Some(())
            }
            other => panic!("{who} has a booking that is {other}"),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_ring_when_the_time_approaches_and_bookings_are_ready() {
    let (mut walk, phones) = open_park_with_phones().await;
    let [starts_at, _] = open_window_in(&mut walk, "near", (LEAD_SECONDS + 8, LEAD_SECONDS + 3600), 10).await;
    let due_at = starts_at - SignedDuration::from_secs(LEAD_SECONDS);
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":1,$later} -> 201 {"bookingId":"$far = count"}
        mia POST /rides/book {"rideId":$ride,"cnt":2,$near} -> 201 {"bookingId":"$mias = count"}
        tom POST /rides/book {"rideId":$ride,"cnt":1,$near} -> 201 {"bookingId":"$toms = count"}
        "#,
    )
    .await;

    let (mias, toms) = (walk.number("mias"), walk.number("toms"));
    let reminders = || {
        let all = phones.apns.seen.all().into_iter();
        all.filter(|push| push.payload["type"] == "booking.ready").collect::<Vec<_>>()
    };
    let rung = until("Mia's reminder", PATIENCE, async || {
        let rung = reminders();
        assert!(rung.is_empty() || Timestamp::now() >= due_at, "before {due_at}: {rung:?}");
        (!rung.is_empty()).then_some(rung)
    })
    .await;
    assert_eq!((rung[0].device_token.as_str(), &rung[0].payload["bookingId"]), ("abc1", &json!(mias)));
    let rung = phones
        .fcm
        .seen
        .wait_until("Tom's reminder", |all| {
            all.iter().any(|push| push.message["data"]["type"] == "booking.ready")
        })
        .await;
    let rung = rung.iter().find(|push| push.message["data"]["type"] == "booking.ready").unwrap();
    assert_eq!(rung.registration_token, "tom-phone");
    assert_eq!(rung.message["data"]["bookingId"], toms.to_string());

    // Ready is no word of the seed's history. It goes with whatever becomes of the booking.
    walk.converse(
        r#"
        mia GET /v1/bookings/$mias ~> 200 {"status":"ready"}
        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$mias","status":"BOOKING"},{"status":"BOOKING"}]}
        mia GET /v1/bookings/$far -> 200 {"status":"confirmed"}
        mia GET /rides/code/$mias -> 200 {"s3PresignedUrl":"$text"}
        mia DELETE /rides/book/$mias -> 200 {"success":true}
        mia GET /v1/bookings/$mias -> 200 {"status":"cancelled"}
        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$mias","status":"CANCELED"},{"status":"BOOKING"}]}
        "#,
    )
    .await;
    let ids: BTreeSet<_> = reminders().iter().map(|push| push.id).collect();
    assert_eq!(ids.len(), 1, "however often it was sent, it was one reminder");
    assert_eq!((phones.apns.refused.all(), phones.fcm.refused.all()), (vec![], vec![]));
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_come_loses_the_places_to_others() {
    const GRACE_SECONDS: i64 = 5;
    let (mut walk, phones) = open_park_with_phones().await;
    walk.knows("grace", GRACE_SECONDS);
    walk.converse(r#"operator PUT /v1/policies/resource/$ride {"noShowGraceSeconds":$grace} -> 200"#).await;
    let [starts_at, _] = open_window_in(&mut walk, "brief", (5, 3600), 2).await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":2,$brief} -> 201 {"bookingId":"$mias = count"}
        tom POST /rides/book {"rideId":$ride,"cnt":1,$brief} -> 409 problem slot_full
        "#,
    )
    .await;
    becomes_no_show(&walk, "mia", starts_at + SignedDuration::from_secs(GRACE_SECONDS)).await;

    walk.converse(
        r#"
        operator GET /v1/slots/$brief_slot -> 200 {"status":"open","pools":[{"available":2,"confirmed":0}]}
        sam PATCH /rides/book/$mias/checkin {"status":"checked-in","checkInTime":"$brief_from"} -> 409 problem no_show
        mia PUT /rides/book/$mias {"cnt":1,$brief} -> 409 problem no_show
        mia DELETE /rides/book/$mias -> 409 problem no_show
        mia GET /rides/code/$mias -> 409 problem no_show

        tom POST /rides/book {"rideId":$ride,"cnt":2,$brief} -> 201 {"bookingId":"$toms = count"}
        sam PATCH /rides/book/$toms/checkin {"status":"checked-in","checkInTime":"$brief_from"} -> 200 {"success":true}
        tom GET /rides/book -> 200 {"bookings":[{"bookingId":"$toms","status":"USED"}]}
        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$mias","cnt":2,"status":"NO-SHOW"}]}
        "#,
    )
    .await;
    let is_told = |all: &[holdfast_processes::sinks::Push]| {
        all.iter().any(|push| push.payload["type"] == "booking.no_show")
    };
    phones.apns.seen.wait_until("that Mia was not there", is_told).await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_may_come_until_the_window_ends_where_nothing_else_was_decided() {
    let mut walk = open_park().await;
    let [_, ends_at] = open_window_in(&mut walk, "brief", (-60, 8), 5).await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":2,$brief} -> 201 {"bookingId":"$mias = count"}
        tom POST /rides/book {"rideId":$ride,"cnt":1,$brief} -> 201 {"bookingId":"$toms = count"}
        sam PATCH /rides/book/$toms/checkin {"status":"checked-in","checkInTime":"$brief_from"} -> 200 {"success":true}
        "#,
    )
    .await;
    becomes_no_show(&walk, "mia", ends_at).await;
    walk.converse(
        r#"
        sam PATCH /rides/book/$mias/checkin {"status":"checked-in","checkInTime":"$brief_from"} -> 409 problem no_show
        tom GET /rides/book -> 200 {"bookings":[{"bookingId":"$toms","status":"USED"}]}
        operator GET /v1/slots/$brief_slot -> 200 {"status":"finished","pools":[{"capacity":5,"confirmed":3}]}
        "#,
    )
    .await;
}
