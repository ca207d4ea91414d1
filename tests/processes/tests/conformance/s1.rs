//! Seed S1, Fast Pass: accounts, events, performances, seats and reservations. Its errors are `{statusCode,message,error}`.

mod accounts;
mod events;
mod performances;
mod reservations;
mod seats;

use crate::client::Ask;
use crate::walk::Walk;

/// Calls the seats of a list `seat1`, `seat2` and so on.
pub async fn name_seats(walk: &mut Walk, who: &str, path: &str) {
    let reply = walk.client(who).ask(&Ask::get(path)).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.json);
    // A bare array in S1, `{total,event,seats}` in S2.
    let seats = reply.json.as_array().or_else(|| reply.json["seats"].as_array());
    let Some(seats) = seats else { panic!("no seats in {path}: {}", reply.json) };
    for (seat, number) in seats.iter().zip(1..) {
        walk.knows(&format!("seat{number}"), seat["id"].clone());
    }
}

/// Mia's concert: `$event`, with one `$performance` of so many seats.
pub async fn open_show(walk: &mut Walk, seats: usize) {
    walk.arrives("mia").await;
    walk.arrives("tom").await;
    walk.knows("seats", seats);
    walk.converse(
        r#"
        mia POST /events {"title":"Concert"} -> 201 {"id":"$event = digits"}
        mia POST /events/$event/performances {"startAt":"2031-05-01T19:30:00Z","totalSeats":$seats}
            -> 201 {"id":"$performance = digits"}
        "#,
    )
    .await;
    let path = format!("/performances/{}/seats", walk.text("performance"));
    name_seats(walk, "nobody", &path).await;
}
