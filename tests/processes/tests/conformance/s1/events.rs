//! `/events`: anybody reads, whoever is signed in creates, the owner changes.

use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_created_shown_changed_and_deleted() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.converse(
        r#"
        nobody GET /events -> 200 []
        mia POST /events {"title":"Concert","description":"Loud"}
            -> 201 {"id":"$event = digits","title":"Concert","description":"Loud","userId":"$mia"}
        mia POST /events {"title":"Course","color":"red"} -> 201 {"id":"$course = digits","title":"Course"}
        nobody GET /events/$event
            -> 200 {"id":"$event","title":"Concert","description":"Loud","userId":"$mia","performances":[]}
        nobody GET /events/$course -> 200 {"id":"$course","title":"Course","description":"$absent"}
        mia GET /events/$event -> 200 {"id":"$event"}

        mia PATCH /events/$event {"description":"Louder"}
            -> 200 {"id":"$event","title":"Concert","description":"Louder"}
        mia PATCH /events/$event {"title":"Recital"} -> 200 {"title":"Recital","description":"Louder"}
        nobody GET /events/$event -> 200 {"title":"Recital","description":"Louder","userId":"$mia"}

        mia DELETE /events/$course -> 200
        nobody GET /events/$course -> 404 nest
        mia DELETE /events/$course -> 404 nest
        mia PATCH /events/$course {"title":"Again"} -> 404 nest
        nobody GET /events -> 200 [{"id":"$event","title":"Recital"}]
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_events_with_their_performances() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.converse(
        r#"
        mia POST /events {"title":"Concert"} -> 201 {"id":"$concert = digits"}
        mia POST /events {"title":"Course"} -> 201 {"id":"$course = digits"}
        mia POST /events/$concert/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":3}
            -> 201 {"id":"$first = digits"}
        mia POST /events/$concert/performances {"startAt":"2031-05-02T19:30:00Z","totalSeats":4}
            -> 201 {"id":"$second = digits"}
        nobody GET /events -> 200 [{"id":"$concert","title":"Concert"}, {"id":"$course","performances":[]}, "..."]
        nobody GET /events
            -> 200 [{"id":"$concert","performances":[
                {"id":"$first","startAt":"$at 2031-05-01T19:30:00Z","totalSeats":3,"availableSeats":3},
                {"id":"$second","startAt":"$at 2031-05-02T19:30:00Z","totalSeats":4,"availableSeats":4}, "..."
            ]}, "..."]
        nobody GET /events/$concert -> 200 {"performances":[{"id":"$first"}, {"id":"$second"}, "..."]}

        mia DELETE /events/$concert -> 400 nest
        mia DELETE /performances/$first -> 200
        mia DELETE /events/$concert -> 400 nest
        mia DELETE /performances/$second -> 200
        nobody GET /events/$concert -> 200 {"performances":[]}
        mia DELETE /events/$concert -> 200
        nobody GET /events -> 200 [{"id":"$course"}]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_belongs_to_whoever_created_it() {
    let mut walk = Walk::open().await;
    walk.arrives("mia").await;
    walk.arrives("tom").await;
    walk.converse(
        r#"
        nobody POST /events {"title":"Concert"} -> 401 nest
        mia POST /events {"title":"Concert"} -> 201 {"id":"$event = digits"}
        nobody PATCH /events/$event {"title":"Mine"} -> 401 nest
        nobody DELETE /events/$event -> 401 nest
        tom PATCH /events/$event {"title":"Mine"} -> 403 nest
        tom DELETE /events/$event -> 403 nest
        nobody GET /events/$event -> 200 {"title":"Concert","userId":"$mia"}
        nobody GET /events/999999 -> 404 nest
        nobody GET /events/none -> 400|404 nest
        tom PATCH /events/999999 {"title":"Mine"} -> 404 nest
        tom DELETE /events/999999 -> 404 nest

        mia POST /events {} -> 400 nest
        mia POST /events {"description":"Loud"} -> 400 nest
        mia POST /events {"title":7} -> 400 nest
        mia POST /events {"title":""} -> 400 nest
        mia POST /events {"title":"Concert","description":7} -> 400 nest
        mia POST /events { -> 400 nest
        mia PATCH /events/$event {"title":7} -> 400 nest
        mia PATCH /events/$event {"title":""} -> 400 nest
        nobody GET /events -> 200 [{"id":"$event","title":"Concert"}]
        "#,
    )
    .await;
}
