//! `/events/create`, `/events/{id}`, and the lists of seats.

use crate::s2::{hold, open_sale};
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_created_with_its_seats() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(
        r#"
        nobody POST /events/create {"name":"Final","totalSeats":12,"color":"red"}
            -> 201 {"id":"$final = digits","name":"Final","totalSeats":12}
        nobody GET /events/$final -> 200 {"id":"$final","name":"Final","totalSeats":12}
        nobody GET /seats/list/$event
            -> 200 {"total":10,"event":"$any",
                    "seats":[{"id":"$seat1","eventId":"$event","UUID":"","status":"Available"}, "..."]}
        nobody GET /seats/list/$final -> 200 {"total":12,"seats":[{"id":"$id","eventId":"$final"}, "..."]}
        nobody GET /seats/get/$seat1 -> 200 {"id":"$seat1","eventId":"$event","UUID":"","status":"Available"}
        nobody GET /seats/get/$seat10 -> 200 {"id":"$seat10","eventId":"$event","UUID":"","status":"Available"}

        nobody GET /events/999999 -> 404 error
        nobody GET /events/none -> 400|404 error
        nobody GET /seats/get/999999999 -> 404 error
        nobody GET /seats/get/none -> 400|404 error
        "#,
    )
    .await;
    // The table has no 404 for the list of an unknown event; an empty list is as good as one.
    walk.converse("nobody GET /seats/list/999999 -> 200|404").await;
    walk.stage.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_ten_to_ten_thousand_seats() {
    let mut walk = Walk::open_trusting().await;
    walk.converse(
        r#"
        nobody POST /events/create {"name":"Small","totalSeats":10} -> 201 {"totalSeats":10}
        nobody POST /events/create {"name":"Large","totalSeats":10000} -> 201 {"id":"$large = digits","totalSeats":10000}
        nobody GET /seats/list/$large -> 200 {"total":10000}
        nobody POST /events/create {"name":"Tiny","totalSeats":9} -> 422 error
        nobody POST /events/create {"name":"Huge","totalSeats":10001} -> 422 error
        nobody POST /events/create {"name":"None","totalSeats":0} -> 422 error
        nobody POST /events/create {"name":"Less","totalSeats":-10} -> 422 error

        nobody POST /events/create {"totalSeats":10} -> 400 error
        nobody POST /events/create {"name":"Match"} -> 400 error
        nobody POST /events/create {"name":7,"totalSeats":10} -> 400 error
        nobody POST /events/create {"name":"Match","totalSeats":"10"} -> 400 error
        nobody POST /events/create {"name":"Match","totalSeats":null} -> 400 error
        nobody POST /events/create {"name":"Match","totalSeats":10.5} -> 400|422 error
        nobody POST /events/create {"name":"","totalSeats":10} -> 400|422 error
        nobody POST /events/create {"name":"Match","totalSeats":9223372036854775808} -> 400 error
        nobody POST /events/create [] -> 400 error
        nobody POST /events/create { -> 400 error
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_available_seats_are_listed() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    for (seat, who) in [("seat1", "ann"), ("seat2", "ann"), ("seat3", "bob")] {
        hold(&walk, seat, who).await;
    }
    let listed = walk.converse(r#"nobody GET /seats/list/$event -> 200 {"total":7,"seats":"$array"}"#).await;
    let seats = listed.json["seats"].as_array().unwrap();
    assert_eq!(seats.len(), 7, "{}", listed.json);
    assert!(seats.iter().all(|seat| seat["status"] == "Available" && seat["UUID"] == ""), "{}", listed.json);
    let taken = ["seat1", "seat2", "seat3"].map(|seat| walk.word(seat));
    assert!(seats.iter().all(|seat| !taken.contains(&&seat["id"])), "{}", listed.json);

    // Sold out is an empty list.
    for (seat, who) in (4..=10).zip(["ann", "ann", "ann", "ann", "bob", "bob", "bob"]) {
        hold(&walk, &format!("seat{seat}"), who).await;
    }
    walk.converse(r#"nobody GET /seats/list/$event -> 200 {"total":0,"seats":[]}"#).await;
}
