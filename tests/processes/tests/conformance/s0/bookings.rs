//! Booking, changing and cancelling: all or nothing.

use crate::client::Ask;

use super::open_park;

#[tokio::test(flavor = "multi_thread")]
async fn a_ride_is_booked_changed_and_cancelled() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":2,$soon}
            -> 201 {"bookingId":"$booking = count","bookingTime":"$whole_second"}
        mia GET /rides/book
            -> 200 {"bookings":[{"bookingId":"$booking","bookingTime":"$whole_second","rideId":"$ride","cnt":2,
                                 "startTime":"$soon_from","endTime":"$soon_to","status":"BOOKING"}]}
        mia GET /rides/book -> 200 {"bookings":[{"bookingTime":"$recent"}]}

        mia PUT /rides/book/$booking {"cnt":3,$soon} -> 200 {"success":true}
        mia PUT /rides/book/$booking {"cnt":4,$later} -> 200 {"success":true}
        mia PUT /rides/book/$booking {"cnt":4,$later} -> 200 {"success":true}
        mia GET /rides/book
            -> 200 {"bookings":[{"bookingId":"$booking","cnt":4,"startTime":"$later_from","endTime":"$later_to"}]}

        mia DELETE /rides/book/$booking -> 200 {"success":true}
        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$booking","cnt":4,"status":"CANCELED"}]}
        mia DELETE /rides/book/$booking -> 409 problem already_cancelled
        mia PUT /rides/book/$booking {"cnt":1,$soon} -> 409 problem already_cancelled
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_gets_all_its_places_or_none() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":6,$later} -> 409 problem slot_full
        mia POST /rides/book {"rideId":$ride,"cnt":4294967297,$later} -> 409 problem slot_full
        mia POST /rides/book {"rideId":$ride,"cnt":4,$later} -> 201 {"bookingId":"$big = count"}
        tom POST /rides/book {"rideId":$ride,"cnt":2,$later} -> 409 problem slot_full
        tom GET /rides/book -> 200 {"bookings":[]}
        tom POST /rides/book {"rideId":$ride,"cnt":1,$later} -> 201 {"bookingId":"$one = count"}

        tom PUT /rides/book/$one {"cnt":2,$later} -> 409 problem slot_full
        tom PUT /rides/book/$one {"cnt":3,$small} -> 409 problem slot_full
        mia PUT /rides/book/$big {"cnt":6,$later} -> 409 problem slot_full
        tom GET /rides/book -> 200 {"bookings":[{"cnt":1,"startTime":"$later_from","status":"BOOKING"}]}
        mia GET /rides/book -> 200 {"bookings":[{"cnt":4,"startTime":"$later_from","status":"BOOKING"}]}
        operator GET /v1/slots/$later_slot -> 200 {"pools":[{"capacity":5,"available":0,"confirmed":5}]}

        mia PUT /rides/book/$big {"cnt":2,$later} -> 200 {"success":true}
        tom PUT /rides/book/$one {"cnt":3,$later} -> 200 {"success":true}
        mia DELETE /rides/book/$big -> 200 {"success":true}
        operator GET /v1/slots/$later_slot -> 200 {"pools":[{"capacity":5,"available":2,"confirmed":3}]}
        operator GET /v1/slots/$small_slot -> 200 {"pools":[{"capacity":2,"available":2,"confirmed":0}]}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_can_be_tied_to_a_version() {
    let mut walk = open_park().await;
    walk.converse(
        r#"mia POST /rides/book {"rideId":$ride,"cnt":1,$soon} -> 201 {"bookingId":"$booking = count"}"#,
    )
    .await;
    let (path, window) = (format!("/rides/book/{}", walk.text("booking")), walk.text("soon"));
    let change = |count: u64, version: u64| {
        let body = format!(r#"{{"cnt":{count},{window}}}"#);
        Ask::new(hyper::Method::PUT, &path).with_body(body).with_header("if-match", format!("\"{version}\""))
    };
    // The version starts at 1. A wrong one is 412 `version` everywhere (4.1 lists it under 409: ARCHITECTURE.md wins).
    let mia = walk.client("mia");
    for (count, version, status) in [(2, 1, 200), (3, 1, 412), (3, 2, 200), (4, 9, 412)] {
        let reply = mia.ask(&change(count, version)).await;
        assert_eq!(reply.status, status, "to {count} of version {version}: {}", reply.json);
        assert!(status != 412 || reply.code() == "version", "{}", reply.json);
    }
    walk.converse(r#"mia GET /rides/book -> 200 {"bookings":[{"cnt":3}]}"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_gets_the_places_there_are_and_no_more() {
    const CROWD: usize = 60;
    let mut walk = open_park().await;
    let body = walk.spelled(r#"{"rideId":$ride,"cnt":1,$later}"#);
    let ask = Ask::new(hyper::Method::POST, "/rides/book").with_body(body);
    let mut calls = tokio::task::JoinSet::new();
    for caller in 0..CROWD {
        let (client, ask) = (walk.client(["mia", "tom"][caller % 2]), ask.clone());
        calls.spawn(async move { client.ask(&ask).await });
    }
    let replies = calls.join_all().await;
    let booked = replies.iter().filter(|reply| reply.status == 201).count();
    let is_refused = |reply: &&holdfast_cluster::Reply| (reply.status, reply.code()) == (409, "slot_full");
    let refused = replies.iter().filter(is_refused).count();
    assert_eq!((booked, refused), (5, CROWD - 5), "there are five places");
    walk.converse(r#"mia GET /v1/slots/$later_slot -> 200 {"pools":[{"available":0,"confirmed":5}]}"#).await;
    walk.stage.digest().await;
}
