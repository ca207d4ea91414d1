//! One store behind all dialects: what one of them holds, the others and the native API see.

use holdfast_processes::Park;
use jiff::{SignedDuration, Timestamp};

use crate::s1::{name_seats, open_show};
use crate::s2::{hold, open_sale};
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_s2_is_one_of_s1_with_one_performance() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.arrives("mia").await;
    walk.converse(
        r#"
        nobody GET /events/$event
            -> 200 {"id":"$event","name":"Match","title":"Match","totalSeats":10,"availableSeats":10,
                    "performances":[{"id":"$performance = digits","totalSeats":10,"availableSeats":10}]}
        nobody GET /events -> 200 [{"id":"$event","title":"Match"}]
        nobody GET /performances/$performance
            -> 200 {"eventId":"$event","totalSeats":10,"availableSeats":10,"event":{"id":"$event"}}
        "#,
    )
    .await;
    hold(&walk, "seat1", "ann").await;
    // A seat has one id in both dialects.
    walk.converse(
        r#"
        nobody GET /performances/$performance -> 200 {"availableSeats":9}
        nobody GET /performances/$performance/seats?status=HELD -> 200 [{"id":"$seat1","status":"HELD"}]
        mia POST /reservations {"seatId":"$seat1"} -> 409 nest
        mia POST /reservations {"seatId":"$seat2"} -> 201 {"id":"$reservation = digits","status":"PENDING"}
        nobody GET /seats/get/$seat2 -> 200 {"status":"On hold","UUID":"$mia"}
        nobody POST /seats/hold {"id":"$seat2","UUID":"$ann"} -> 409 {"error":"$text","currentStatus":"On hold"}
        nobody POST /seats/reserve {"id":"$seat2","UUID":"$ann"} -> 403 error
        mia POST /reservations/$reservation/confirm -> 200 {"status":"CONFIRMED"}
        nobody GET /seats/get/$seat2 -> 200 {"status":"Reserved"}
        nobody GET /seats/list/$event -> 200 {"total":8}
        operator GET /v1/slots/$performance
            -> 200 {"pools":[{"kind":"seats","capacity":10,"available":8,"held":1,"confirmed":1}]}
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_s1_is_one_of_s2_and_of_the_native_api() {
    let mut walk = Walk::open_trusting().await;
    open_show(&mut walk, 10).await;
    walk.converse(
        r#"
        nobody GET /events/$event
            -> 200 {"id":"$event","title":"Concert","name":"Concert","totalSeats":10,"availableSeats":10}
        nobody GET /seats/list/$event -> 200 {"total":10,"seats":"$array"}
        nobody GET /seats/get/$seat1 -> 200 {"id":"$seat1","eventId":"$event","status":"Available","UUID":""}

        mia POST /reservations {"seatId":"$seat1"} -> 201 {"id":"$reservation = digits"}
        mia GET /v1/bookings/$reservation -> 200 {"status":"held","seats":["1"]}
        tom GET /v1/bookings/$reservation -> 404
        operator GET /v1/slots/$performance
            -> 200 {"startTime":"$at 2031-05-01T19:30:00Z",
                    "pools":[{"kind":"seats","capacity":10,"available":9,"held":1,"confirmed":0}]}
        mia GET /v1/slots/$performance/seats
            -> 200 {"seats":[{"label":"1","status":"held"},{"label":"2","status":"available"},"..."]}
        mia POST /v1/bookings/$reservation/confirm -> 200 {"status":"confirmed"}
        nobody GET /seats/get/$seat1 -> 200 {"status":"Reserved"}
        nobody GET /performances/$performance/seats?status=OCCUPIED -> 200 [{"id":"$seat1","seatNumber":"1"}]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_of_the_native_api_are_seats_of_the_dialects() {
    let mut walk = Walk::open_trusting().await;
    walk.arrives("mia").await;
    walk.declares("ann");
    let park = Park::open(&walk.stage.operator).await;
    let starts_at =
        Timestamp::from_second(Timestamp::now().as_second()).unwrap() + SignedDuration::from_hours(48);
    walk.knows("venue", park.venue);
    walk.knows("from", starts_at.to_string());
    walk.knows("to", (starts_at + SignedDuration::from_hours(2)).to_string());
    walk.converse(
        r#"
        operator POST /v1/resources {"venueId":$venue,"kind":"event","name":"Opera"} -> 201 {"id":"$opera = count"}
        operator POST /v1/resources/$opera/slots
            {"startTime":"$from","endTime":"$to","pools":[{"name":"stalls","seatCount":10}]}
            -> 201 {"id":"$slot = count"}
        nobody GET /events/$opera -> 200 {"title":"Opera","name":"Opera","totalSeats":10}
        nobody GET /performances/$slot -> 200 {"totalSeats":10,"availableSeats":10}
        "#,
    )
    .await;
    let seats = format!("/performances/{}/seats", walk.text("slot"));
    name_seats(&mut walk, "nobody", &seats).await;
    hold(&walk, "seat3", "ann").await;
    walk.converse(
        r#"
        mia GET /v1/slots/$slot/seats -> 200 {"seats":[{"label":"3","status":"held"},"..."]}
        mia POST /v1/bookings {"slotId":$slot,"seats":["3"]} -> 409
        mia POST /v1/bookings {"slotId":$slot,"seats":["4"]} -> 201 {"status":"confirmed"}
        nobody GET /seats/get/$seat4 -> 200 {"status":"Reserved"}
        mia POST /reservations {"seatId":"$seat4"} -> 409 nest
        "#,
    )
    .await;
}
