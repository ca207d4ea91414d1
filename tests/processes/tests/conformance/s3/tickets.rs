//! `/event/{id}/ticket` and `/ticket`: types of tickets, General and Named.

use serde_json::Value;

use crate::client::Ask;
use crate::s3::open_concert;
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn named_tickets_go_from_available_over_reserved_to_booked() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.converse(
        r#"
        ann GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","name":"A1","ticket_status":"Available"},
                    {"ticket_id":"$a2","name":"A2","ticket_status":"Available"},
                    {"ticket_id":"$a3","name":"A3","ticket_status":"Available"},"..."]
        ann POST /event/$event/booking {"ticket_ids":["$a1","$a3"]} -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        bob GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","ticket_status":"Reserved"},{"ticket_id":"$a2","ticket_status":"Available"},
                    {"ticket_id":"$a3","ticket_status":"Reserved"},"..."]
        ann GET /booking/$booking/ticket
            -> 200 [{"ticket_id":"$a1","name":"A1"},{"ticket_id":"$a3","name":"A3"},"..."]
        ann POST /booking/$booking/payment -> 200 {"booking_id":"$booking"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"Confirmed"}
        bob GET /ticket?ticket_type_id=$named
            -> 200 [{"ticket_id":"$a1","ticket_status":"Booked"},{"ticket_id":"$a2","ticket_status":"Available"},
                    {"ticket_id":"$a3","ticket_status":"Booked"},"..."]
        ann GET /booking/$booking/ticket -> 200 [{"ticket_id":"$a1"},{"ticket_id":"$a3"},"..."]
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn general_tickets_are_counted() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    walk.converse(
        r#"
        ann POST /event/$event/booking {"ticket_type_id":"$general","quantity":2}
            -> 201 {"booking_id":"$booking = digits"}
        ann GET /booking/$booking/status ~> 200 {"booking_status":"PaymentPending"}
        ann GET /booking/$booking/ticket -> 200 "$array"
        "#,
    )
    .await;
    // Whether places to stand are listed one by one the documents leave open; if they are, two are taken.
    let path = format!("/ticket?ticket_type_id={}", walk.text("general"));
    let listed = walk.client("ann").ask(&Ask::get(path)).await;
    assert_eq!(listed.status, 200, "{}", listed.json);
    let Value::Array(tickets) = &listed.json else { panic!("no list: {}", listed.json) };
    let count = |status: &str| tickets.iter().filter(|ticket| ticket["ticket_status"] == status).count();
    assert!(tickets.len() != 5 || (count("Reserved"), count("Available")) == (2, 3), "{}", listed.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_of_tickets_that_is_not_whole_is_refused_field_by_field() {
    let mut walk = Walk::open_trusting().await;
    open_concert(&mut walk).await;
    let whole = [
        ("ticket_type", r#""Pit""#),
        ("seat_type", r#""General""#),
        ("description", r#""Close""#),
        ("quantity", "5"),
        ("price", "20"),
    ];
    let wrong = [
        ("ticket_type", ""),
        ("seat_type", ""),
        ("quantity", ""),
        ("price", ""),
        ("ticket_type", "7"),
        ("seat_type", r#""Floating""#),
        ("quantity", "0"),
        ("quantity", "-1"),
        ("quantity", r#""5""#),
        ("price", "0"),
        ("price", "-20"),
        ("price", r#""20""#),
    ];
    for (field, value) in wrong {
        let fields = whole.iter().filter_map(|(name, good)| match (*name == field, value) {
            (true, "") => None,
            (true, value) => Some(format!("\"{name}\":{value}")),
            (false, _) => Some(format!("\"{name}\":{good}")),
        });
        let body = fields.collect::<Vec<_>>().join(",");
        walk.converse(&format!("host POST /event/$event/ticket {{{body}}} -> 400 map {field}")).await;
    }
    let named = r#"host POST /event/$event/ticket
        {"ticket_type":"Pit","seat_type":"Named","description":"Close","quantity":1,"price":20,REST} -> 400 map FIELD"#;
    for (rest, field) in [
        (r#""reservation_limit_in_seconds":60"#, "seats"),
        (r#""seats":[],"reservation_limit_in_seconds":60"#, "seats"),
        (r#""seats":"A1","reservation_limit_in_seconds":60"#, "seats"),
        (r#""seats":[{"name":"A1"}],"reservation_limit_in_seconds":"60""#, "reservation_limit_in_seconds"),
        (r#""seats":[{"name":"A1"}],"reservation_limit_in_seconds":0"#, "reservation_limit_in_seconds"),
        (r#""seats":[{"name":"A1"}],"reservation_limit_in_seconds":-1"#, "reservation_limit_in_seconds"),
    ] {
        walk.converse(&named.replace("REST", rest).replace("FIELD", field)).await;
    }
    walk.converse(
        r#"
        host POST /event/$event/ticket { -> 400
        host POST /event/999999/ticket
            {"ticket_type":"Pit","seat_type":"General","description":"Close","quantity":5,"price":20} -> 404
        host GET /ticket -> 400 map ticket_type_id
        host GET /ticket?ticket_type_id=999999 -> 200|404
        host GET /event/$event -> 200 [{},{}]
        "#,
    )
    .await;
}
