//! `/performances`: sessions of an event, each with seats made for it.

use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn a_performance_is_created_shown_changed_and_deleted() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.converse(
        r#"
        mia POST /events {"title":"Concert"} -> 201 {"id":"$event = digits"}
        nobody GET /performances -> 200 []
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":3}
            -> 201 {"id":"$performance = digits","eventId":"$event","startAt":"$at 2031-05-01T19:30:00Z",
                    "totalSeats":3,"availableSeats":3}
        nobody GET /performances
            -> 200 [{"id":"$performance","eventId":"$event","startAt":"$instant","totalSeats":3,"availableSeats":3}]
        nobody GET /performances/$performance
            -> 200 {"id":"$performance","eventId":"$event","startAt":"$at 2031-05-01T19:30:00Z",
                    "totalSeats":3,"availableSeats":3,"event":{"id":"$event","title":"Concert"}}

        mia PATCH /performances/$performance {"startAt":"2031-05-08T20:00:00Z"}
            -> 200 {"id":"$performance","startAt":"$at 2031-05-08T20:00:00Z","totalSeats":3}
        nobody GET /performances/$performance -> 200 {"startAt":"$at 2031-05-08T20:00:00Z","availableSeats":3}

        mia DELETE /performances/$performance -> 200
        nobody GET /performances/$performance -> 404 nest
        mia DELETE /performances/$performance -> 404 nest
        mia PATCH /performances/$performance {"startAt":"2031-05-08T20:00:00Z"} -> 404 nest
        nobody GET /performances -> 200 []
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_of_an_event_has_performances_of_it() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.arrives("tom").await;
    walk.converse(
        r#"
        mia POST /events {"title":"Concert"} -> 201 {"id":"$event = digits"}
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":3}
            -> 201 {"id":"$performance = digits"}

        nobody POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":3} -> 401 nest
        tom POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":3} -> 403 nest
        mia POST /events/999999/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":3} -> 404 nest
        nobody PATCH /performances/$performance {"startAt":"2031-05-08T20:00:00Z"} -> 401 nest
        tom PATCH /performances/$performance {"startAt":"2031-05-08T20:00:00Z"} -> 403 nest
        nobody DELETE /performances/$performance -> 401 nest
        tom DELETE /performances/$performance -> 403 nest
        tom PATCH /performances/999999 {"startAt":"2031-05-08T20:00:00Z"} -> 404 nest
        tom DELETE /performances/999999 -> 404 nest
        nobody GET /performances/999999 -> 404 nest
        nobody GET /performances/none -> 400|404 nest

        mia POST /events/$event/performances {} -> 400 nest
        mia POST /events/$event/performances {"totalSeats":3} -> 400 nest
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z"} -> 400 nest
        mia POST /events/$event/performances {"startAt":"soon","totalSeats":3} -> 400 nest
        mia POST /events/$event/performances {"startAt":7,"totalSeats":3} -> 400 nest
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":"3"} -> 400 nest
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":0} -> 400 nest
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":-1} -> 400 nest
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":9223372036854775807}
            -> 400 nest
        mia PATCH /performances/$performance {"startAt":"soon"} -> 400 nest
        nobody GET /performances -> 200 [{"id":"$performance","startAt":"$at 2031-05-01T19:30:00Z"}]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hall_of_twenty_thousand_seats_is_made_at_once() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.converse(
        r#"
        mia POST /events {"title":"Concert"} -> 201 {"id":"$event = digits"}
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":20000}
            -> 201 {"id":"$performance = digits","totalSeats":20000,"availableSeats":20000}
        nobody GET /performances/$performance -> 200 {"totalSeats":20000,"availableSeats":20000}
        "#,
    )
    .await;
}
