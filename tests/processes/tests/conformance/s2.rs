//! Seed S2, online reservations: seats are held and bought by jobs, and whoever calls polls. Its errors are `{error}`.
//!
//! Who calls stands in the body's `UUID`, so `nobody` in these conversations is everybody. The field of a result that holds the
//! seed's inner status is taken to be called `status`.

mod events;
mod holds;
mod identity;
mod jobs;
mod limits;
mod refresh;
mod reserving;

use holdfast_cluster::Reply;
use serde_json::{Value, json};

use crate::client::{Ask, Client};
use crate::s1::name_seats;
use crate::walk::Walk;

/// What became of a wish.
pub enum Acted {
    /// It was refused before there was a job.
    Refused(Reply),
    /// Its job has come to an end: the answer of `GET /seats/job/{jobId}/status`.
    Ended(Value),
}

impl Acted {
    /// The status inside a result, if there was a job.
    pub fn inner_status(&self) -> Option<u64> {
        match self {
            Self::Refused(_) => None,
            Self::Ended(job) => Some(
                job["result"]["status"]
                    .as_u64()
                    .unwrap_or_else(|| panic!("no status in the result of {job}")),
            ),
        }
    }

    pub fn is_success(&self) -> bool {
        matches!(self, Self::Ended(job) if job["result"]["success"] == true)
    }
}

/// An event of the operator's with so many seats, which are `seat1`, `seat2`, ..; Ann, Bob and Cid have UUIDs.
pub async fn open_sale(walk: &mut Walk, seats: usize) {
    walk.knows("seats", seats);
    walk.converse(
        r#"nobody POST /events/create {"name":"Match","totalSeats":$seats} -> 201 {"id":"$event = digits"}"#,
    )
    .await;
    let path = format!("/seats/list/{}", walk.text("event"));
    name_seats(walk, "nobody", &path).await;
    for name in ["ann", "bob", "cid"] {
        walk.declares(name);
    }
}

/// Asks for something about a seat: `/seats/hold` or `/seats/reserve`.
pub fn wish(path: &str, seat: &Value, user: &str) -> Ask {
    Ask::post(path, &json!({"id": seat, "UUID": user}))
}

/// The end of an accepted job.
pub async fn end_of(client: &Client, accepted: &Reply) -> Value {
    let Some(job) = accepted.json["jobId"].as_str() else { panic!("no jobId in {}", accepted.json) };
    let ask = Ask::get(format!("/seats/job/{job}/status"));
    let judge = |reply: &Reply| match reply.json["status"].as_str() {
        Some("completed") if reply.status == 200 => Ok(()),
        Some("waiting" | "active") if reply.status == 200 => Err("it is still on its way".to_owned()),
        _ => panic!("job {job} is neither on its way nor completed: {} {}", reply.status, reply.json),
    };
    client.insist_on(&ask, "a job that is to end", judge).await.json
}

/// Asks for something, and waits for what becomes of it.
pub async fn act(client: &Client, ask: &Ask) -> Acted {
    let reply = client.insist(ask).await;
    match reply.status {
        202 => Acted::Ended(end_of(client, &reply).await),
        _ => Acted::Refused(reply),
    }
}

/// Ann, Bob or Cid holds a seat: it must succeed.
pub async fn hold(walk: &Walk, seat: &str, who: &str) {
    let ask = wish("/seats/hold", walk.word(seat), &walk.text(who));
    let acted = act(&walk.client("nobody"), &ask).await;
    assert!(acted.is_success(), "{who} holds {seat}: {}", acted.told());
}

impl Acted {
    /// What was told, for messages.
    pub fn told(&self) -> String {
        match self {
            Self::Refused(reply) => format!("{} {}", reply.status, reply.json),
            Self::Ended(job) => job.to_string(),
        }
    }
}
