//! The booking history: the caller's own, in pages.

use serde_json::json;

use crate::client::{Ask, Caller, Client};
use crate::walk::Walk;

use super::open_park;

/// Ids on one page.
async fn page(who: &Client, query: &str) -> Vec<u64> {
    let reply = who.ask(&Ask::get(format!("/rides/book?{query}"))).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.json);
    let Some(rows) = reply.json["bookings"].as_array() else { panic!("{query}: {}", reply.json) };
    rows.iter().map(|row| row["bookingId"].as_u64().unwrap()).collect()
}

async fn book(walk: &Walk, who: &str) -> u64 {
    let window = walk.text("soon");
    let body = format!(r#"{{"rideId":{},"cnt":1,{window}}}"#, walk.number("ride"));
    let reply = walk.client(who).ask(&Ask::new(hyper::Method::POST, "/rides/book").with_body(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.json);
    reply.json["bookingId"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_goes_on_after_the_last_received_booking() {
    let mut walk = open_park().await;
    let mut booked = Vec::new();
    for _ in 0..5 {
        booked.push(book(&walk, "mia").await);
        book(&walk, "tom").await;
    }
    walk.knows("third", booked[2]);
    walk.converse("mia DELETE /rides/book/$third -> 200").await;
    let mia = walk.client("mia");
    let newest_first: Vec<u64> = booked.iter().rev().copied().collect();

    assert_eq!(page(&mia, "").await, newest_first, "newest first, the cancelled among them, only her own");
    assert_eq!(page(&mia, "sort=bookingTime").await, newest_first);
    assert_eq!(page(&mia, "sort=bookingTime&order=desc&size=2").await, newest_first[..2]);
    assert_eq!(page(&mia, "order=asc").await, booked);
    // The seed's own example of a first page leaves the value empty.
    let first = "size=5&lastReceivedBookingId=&sort=bookingTime&order=desc";
    assert_eq!(page(&mia, first).await, newest_first);
    for (order, all) in [("desc", &newest_first), ("asc", &booked)] {
        for last in 0..all.len() {
            let query = format!("order={order}&size=2&lastReceivedBookingId={}", all[last]);
            let expected: Vec<u64> = all.iter().skip(last + 1).take(2).copied().collect();
            assert_eq!(page(&mia, &query).await, expected, "{query}");
        }
    }
    assert_eq!(page(&mia, "size=100000").await.len(), 5, "more than 100 is cut to 100");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_at_most_a_hundred_rows() {
    let walk = open_park().await;
    // More than a slot of the park has: each is cancelled at once, and stays in the history.
    let mia = walk.client("mia");
    for _ in 0..101 {
        let booking = book(&walk, "mia").await;
        let cancelled = mia.ask(&Ask::new(hyper::Method::DELETE, format!("/rides/book/{booking}"))).await;
        assert_eq!(cancelled.json, json!({"success": true}), "{}", cancelled.status);
    }
    for (query, rows) in [("size=100", 100), ("size=101", 100), ("size=1", 1)] {
        assert_eq!(page(&mia, query).await.len(), rows, "{query}");
    }
    let all = mia.ask(&Ask::get("/rides/book?size=100&order=asc")).await;
    let states = all.json["bookings"].as_array().unwrap().iter().map(|row| row["status"].clone());
    assert!(states.into_iter().all(|status| status == "CANCELED"), "{}", all.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_seen_at_every_node_at_once() {
    let mut walk = open_park().await;
    let addresses = walk.stage.addresses();
    let at = |address: &String| Client::new(vec![address.clone()], Caller::Token(walk.token("mia")));
    let nodes: Vec<Client> = addresses.iter().map(at).collect();
    let window = walk.text("soon");
    let body = |count: usize| format!(r#"{{"rideId":{},"cnt":{count},{window}}}"#, walk.text("ride"));
    let asked = |method, path: &str, count| Ask::new(method, path).with_body(body(count));

    let booked = nodes[0].ask(&asked(hyper::Method::POST, "/rides/book", 1)).await;
    assert_eq!(booked.status, 201, "{}", booked.json);
    let path = format!("/rides/book/{}", booked.json["bookingId"]);
    for count in 2..12 {
        let (writer, reader) = (&nodes[count % 3], &nodes[(count + 1 + count / 3 % 2) % 3]);
        let changed = writer.ask(&asked(hyper::Method::PUT, &path, count)).await;
        assert_eq!(changed.json, json!({"success": true}), "{}", changed.status);
        let seen = reader.ask(&Ask::get("/rides/book")).await;
        assert_eq!(seen.json["bookings"][0]["cnt"], count, "{}", seen.json);
    }
    walk.converse("mia GET /v1/slots/$soon_slot -> 200 {\"pools\":[{\"available\":9}]}").await;
}
