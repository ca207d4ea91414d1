//! Seed S3, swift-ticketing: events with types of tickets, bookings that are tried by a worker, and payment. `snake_case`;
//! the cookie `uid` says who calls; what is malformed is a map of fields and messages.
//!
//! The seed gives no names to the columns of some of its lists; there only values are looked for.

mod bookings;
mod events;
mod identity;
mod tickets;
mod users;

use crate::walk::Walk;

/// The host's `$event`: a balcony with the seats `$a1`, `$a2`, `$a3` (`$named`), which are kept for a minute, and five places to
/// stand (`$general`). Ann and Bob are guests.
pub async fn open_concert(walk: &mut Walk) {
    open_concert_kept_for(walk, 60).await;
}

/// As [`open_concert`], with seats that are kept for so many seconds.
pub async fn open_concert_kept_for(walk: &mut Walk, seconds: u64) {
    for name in ["host", "ann", "bob"] {
        walk.declares(name);
    }
    walk.knows("limit", seconds);
    walk.converse(
        r#"
        host POST /event {"name":"Concert","description":"Loud","date":"2031-05-01","venue":"Hall"}
            -> 201 {"event_id":"$event = digits"}
        host POST /event/$event/ticket
            {"ticket_type":"Balcony","seat_type":"Named","description":"With a chair","quantity":3,"price":50,
             "seats":[{"name":"A1"},{"name":"A2"},{"name":"A3"}],"reservation_limit_in_seconds":$limit}
            -> 201 {"ticket_type_id":"$named = digits",
                    "tickets":[{"ticket_id":"$a1 = id","name":"A1"},{"ticket_id":"$a2 = id","name":"A2"},
                               {"ticket_id":"$a3 = id","name":"A3"}]}
        host POST /event/$event/ticket
            {"ticket_type":"Floor","seat_type":"General","description":"To stand","quantity":5,"price":20}
            -> 201 {"ticket_type_id":"$general = digits","tickets":"$array"}
        "#,
    )
    .await;
}
