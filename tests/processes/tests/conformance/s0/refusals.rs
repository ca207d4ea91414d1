//! What is refused before the rules are asked: 400 for what is malformed, 422 for what makes no sense, 401, 403, 404.

use super::open_park;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_token() {
    let mut walk = open_park().await;
    walk.is_called("mallory", crate::client::Caller::Token("no.such.token".to_owned()));
    walk.converse(
        r#"mia POST /rides/book {"rideId":$ride,"cnt":1,$now} -> 201 {"bookingId":"$booking = count"}"#,
    )
    .await;
    for who in ["nobody", "mallory"] {
        let table = r#"
            WHO POST /rides/book {"rideId":$ride,"cnt":1,$now} -> 401 problem
            WHO GET /rides/book -> 401 problem
            WHO PUT /rides/book/$booking {"cnt":1,$now} -> 401 problem
            WHO DELETE /rides/book/$booking -> 401 problem
            WHO GET /rides/code/$booking -> 401 problem
            WHO PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"$now_from"} -> 401 problem
        "#;
        walk.converse(&table.replace("WHO", who)).await;
    }
    walk.converse(r#"mia GET /rides/book -> 200 {"bookings":[{"cnt":1,"status":"BOOKING"}]}"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_booking_is_not_there() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":1,$now} -> 201 {"bookingId":"$booking = count"}
        tom PUT /rides/book/$booking {"cnt":1,$now} -> 404 problem
        tom DELETE /rides/book/$booking -> 404 problem
        tom GET /rides/code/$booking -> 404 problem
        tom PUT /rides/book/999999 {"cnt":1,$now} -> 404 problem
        tom DELETE /rides/book/999999 -> 404 problem
        tom GET /rides/code/999999 -> 404 problem
        sam PATCH /rides/book/999999/checkin {"status":"checked-in","checkInTime":"$now_from"} -> 404 problem
        tom GET /rides/book -> 200 {"bookings":[]}
        mia GET /rides/book -> 200 {"bookings":[{"cnt":1,"status":"BOOKING"}]}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_400_and_what_makes_no_sense_is_422() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":$ride,"cnt":1,$soon} -> 201 {"bookingId":"$booking = count"}

        mia POST /rides/book { -> 400 problem
        mia POST /rides/book [] -> 400 problem
        mia POST /rides/book {} -> 400 problem
        mia POST /rides/book {"cnt":1,$soon} -> 400 problem
        mia POST /rides/book {"rideId":$ride,$soon} -> 400 problem
        mia POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"$soon_from"} -> 400 problem
        mia POST /rides/book {"rideId":$ride,"cnt":1,"endTime":"$soon_to"} -> 400 problem
        mia POST /rides/book {"rideId":$ride,"cnt":"1",$soon} -> 400 problem
        mia POST /rides/book {"rideId":$ride,"cnt":9223372036854775808,$soon} -> 400 problem
        mia POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"tomorrow","endTime":"later"} -> 400 problem
        mia POST /rides/book {"rideId":$ride,"cnt":0,$soon} -> 422 problem
        mia POST /rides/book {"rideId":$ride,"cnt":-1,$soon} -> 422 problem
        mia POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"$soon_to","endTime":"$soon_from"} -> 422 problem
        mia POST /rides/book {"rideId":999999,"cnt":1,$soon} -> 404 problem slot_not_found
        mia POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"$soon_from","endTime":"$later_to"}
            -> 404 problem slot_not_found

        mia PUT /rides/book/$booking {"cnt":1} -> 400 problem
        mia PUT /rides/book/$booking {$soon} -> 400 problem
        mia PUT /rides/book/$booking {"cnt":0,$soon} -> 422 problem
        mia PUT /rides/book/$booking {"cnt":1,"startTime":"$soon_to","endTime":"$soon_from"} -> 422 problem
        mia PUT /rides/book/$booking {"cnt":1,"startTime":"$soon_from","endTime":"$later_to"}
            -> 404 problem slot_not_found

        sam PATCH /rides/book/$booking/checkin {"status":"checked-in"} -> 400 problem
        sam PATCH /rides/book/$booking/checkin {"checkInTime":"$soon_from"} -> 400 problem
        sam PATCH /rides/book/$booking/checkin {"status":"checked-in","checkInTime":"noon"} -> 400 problem
        sam PATCH /rides/book/$booking/checkin {"status":"gone","checkInTime":"$soon_from"} -> 422 problem

        mia GET /rides/book?size=many -> 400 problem
        mia GET /rides/book?size=0 -> 400|422 problem
        mia GET /rides/book?size=-1 -> 400|422 problem
        mia GET /rides/book?sort=name -> 400|422 problem
        mia GET /rides/book?order=up -> 400|422 problem
        mia GET /rides/book?lastReceivedBookingId=last -> 400|422 problem

        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$booking","cnt":1,"status":"BOOKING"}]}
        operator GET /v1/slots/$soon_slot -> 200 {"pools":[{"available":19}]}
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_may_be_written_as_digits_and_more_may_be_said() {
    let mut walk = open_park().await;
    walk.converse(
        r#"
        mia POST /rides/book {"rideId":"$ride","cnt":1,$soon,"note":"by the window"}
            -> 201 {"bookingId":"$booking = count"}
        mia PUT /rides/book/$booking {"cnt":2,$soon,"note":"in the aisle"} -> 200 {"success":true}
        mia GET /rides/book -> 200 {"bookings":[{"bookingId":"$booking","rideId":"$ride","cnt":2}]}
        "#,
    )
    .await;
}
