//! `/event`: created, listed by venue and day, and shown with what is left of each type.

use serde_json::Value;

use crate::s3::open_concert;
use crate::walk::Walk;

/// Whether a column of a row, whatever its name, has a value.
fn mentions(row: &Value, value: &Value) -> bool {
    row.as_object().is_some_and(|row| row.values().any(|column| column == value))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_by_venue_and_day() {
    let mut walk = Walk::open_trusting().await;
    walk.declares("host");
    walk.converse(
        r#"
        host GET /event -> 200 []
        host POST /event {"name":"Concert","description":"Loud","date":"2031-05-01","venue":"Hall"}
            -> 201 {"event_id":"$concert = digits"}
        host POST /event {"name":"Play","description":"Sad","date":"2031-05-10","venue":"Hall","color":"red"}
            -> 201 {"event_id":"$play = digits"}
        host POST /event {"name":"Match","description":"Fast","date":"2031-05-01","venue":"Stadium"}
            -> 201 {"event_id":"$match = digits"}
        host GET /event -> 200 [{"event_id":"$concert"},{"event_id":"$play"},{"event_id":"$match"},"..."]
        host GET /event?venue=Stadium
            -> 200 [{"event_id":"$match","name":"Match","description":"Fast","date":"2031-05-01","venue":"Stadium"}]
        host GET /event?venue=Nowhere -> 200 []
        host GET /event?from=2031-05-02 -> 200 [{"event_id":"$play"}]
        host GET /event?from=2031-05-10 -> 200 [{"event_id":"$play","date":"2031-05-10"}]
        host GET /event?to=2031-05-01&venue=Hall -> 200 [{"event_id":"$concert"}]
        host GET /event?from=2031-05-01&to=2031-05-10&venue=Hall
            -> 200 [{"event_id":"$concert"},{"event_id":"$play"},"..."]
        host GET /event?from=2031-06-01&to=2031-06-30 -> 200 []
        host GET /event?from=tomorrow -> 400 map from
        host GET /event?to=01.05.2031 -> 400 map to
        host GET /event?from=2031-02-30 -> 400 map from
        "#,
    )
    .await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_whole_is_refused_field_by_field() {
    let mut walk = Walk::open_trusting().await;
    walk.declares("host");
    walk.converse(
        r#"
        host POST /event {"name":"Concert","description":"Loud","date":"1.5.2031","venue":"Hall"}
            -> 400 {"date":["expected yyyy-MM-dd"]}
        host POST /event {"name":"Concert","description":"Loud","date":"2031-13-01","venue":"Hall"}
            -> 400 {"date":["expected yyyy-MM-dd"]}
        host POST /event {"name":"Concert","description":"Loud","date":"2031-05-01T19:30:00Z","venue":"Hall"}
            -> 400 {"date":["expected yyyy-MM-dd"]}
        host POST /event {"name":"Concert","description":"Loud","date":20310501,"venue":"Hall"} -> 400 map date
        host POST /event {"description":"Loud","date":"2031-05-01","venue":"Hall"} -> 400 map name
        host POST /event {"name":"Concert","description":"Loud","venue":"Hall"} -> 400 map date
        host POST /event {"name":"Concert","description":"Loud","date":"2031-05-01"} -> 400 map venue
        host POST /event {"name":7,"description":"Loud","date":"2031-05-01","venue":"Hall"} -> 400 map name
        host POST /event {"name":"","description":"Loud","date":"2031-05-01","venue":"Hall"} -> 400 map name
        host POST /event {} -> 400 map name date venue
        host POST /event { -> 400
        host GET /event -> 200 []
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_shows_what_is_left_of_each_type() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    // Rows of event and type, with the free count and the price; the columns' names the documents leave open.
    for (sold, named_left, general_left) in [(false, 3, 5), (true, 2, 3)] {
        if sold {
            walk.converse(
                r#"
                ann POST /event/$event/booking {"ticket_ids":["$a1"]} -> 201 {"booking_id":"$seated = digits"}
                bob POST /event/$event/booking {"ticket_type_id":"$general","quantity":2}
                    -> 201 {"booking_id":"$standing = digits"}
                ann GET /booking/$seated/status ~> 200 {"booking_status":"PaymentPending"}
                bob GET /booking/$standing/status ~> 200 {"booking_status":"PaymentPending"}
                "#,
            )
            .await;
        }
        let shown = walk.converse("host GET /event/$event -> 200 [{},{}]").await;
        for (kind, left, price) in [("named", named_left, 50), ("general", general_left, 20)] {
            let rows = shown.json.as_array().unwrap();
            let Some(row) = rows.iter().find(|row| mentions(row, walk.word(kind))) else {
                panic!("no row for {kind}: {}", shown.json)
            };
            assert!(mentions(row, &left.into()), "{left} of {kind} are left: {row}");
            let price_shown = [Value::from(price), Value::from(f64::from(price))];
            assert!(price_shown.iter().any(|price| mentions(row, price)), "{kind} costs {price}: {row}");
        }
    }
    // Rows of an unknown event are none, if that is not 404.
    walk.converse("host GET /event/999999 -> 200|404").await;
}
