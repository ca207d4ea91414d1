//! Between JSON on the wire and the words of a history.

use holdfast_cluster::{Failure, Reply};
use holdfast_model::{Answer, Booking, BookingId, Counts, Request, Revision, SlotId, Status, UserId};
use serde_json::Value;

/// What an attempt came to.
pub(crate) fn answer_in(request: Request, sent: &Result<Reply, Failure>) -> Answer {
    let reply = match sent {
        Ok(reply) => reply,
        // Nothing was sent.
        Err(Failure::Connect(_)) => return Answer::NotDone("connect".to_owned()),
        Err(_) => return Answer::Unknown,
    };
    match (reply.status, request) {
        (200 | 201, Request::Look(_)) => Answer::Slot(counts_in(&reply.json)),
        (200 | 201, Request::List(_)) => {
            let (bookings, next) = page_in(&reply.json);
            Answer::List {
                bookings: bookings.iter().map(|booking| booking.id).collect(),
                has_more: next.is_some(),
            }
        }
        (
            200 | 201,
            Request::Book { .. }
            | Request::Modify { .. }
            | Request::Cancel(_)
            | Request::CheckIn(_)
            | Request::Get(_),
        ) => Answer::Booking(booking_in(&reply.json)),
        // Decided by the rules, and remembered.
        (404 | 409 | 412 | 422, _) => Answer::Refused(reply.code().to_owned()),
        (500 | 504, _) => Answer::Unknown,
        _ => Answer::NotDone(format!("{}-{}", reply.status, reply.code())),
    }
}

/// A booking on `/v1`.
pub(crate) fn booking_in(json: &Value) -> Booking {
    let number = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("no {name} in {json}"));
    let status = json["status"].as_str().and_then(Status::named);
    let status = status.unwrap_or_else(|| panic!("an unknown status in {json}"));
    Booking {
        id: BookingId(number("id")),
        slot: SlotId(number("slotId")),
        owner: UserId(number("userId")),
        count: u32::try_from(number("count")).unwrap(),
        status,
        revision: json["revision"].as_str().and_then(revision_in),
    }
}

fn revision_in(text: &str) -> Option<Revision> {
    let (index, ordinal) = text.split_once('-')?;
    Some(Revision { index: index.parse().ok()?, ordinal: ordinal.parse().ok()? })
}

/// The places of a slot on `/v1`, all its pools together.
pub(crate) fn counts_in(json: &Value) -> Counts {
    let pools = json["pools"].as_array().unwrap_or_else(|| panic!("no pools in {json}"));
    let sum = |name: &str| pools.iter().map(|pool| pool[name].as_u64().unwrap()).sum();
    Counts {
        capacity: sum("capacity"),
        available: sum("available"),
        held: sum("held"),
        confirmed: sum("confirmed"),
    }
}

/// A page of bookings on `/v1`, and where it goes on.
pub(crate) fn page_in(json: &Value) -> (Vec<Booking>, Option<u64>) {
    let items = json["items"].as_array().unwrap_or_else(|| panic!("no items in {json}"));
    (items.iter().map(booking_in).collect(), json["next"].as_u64())
}
