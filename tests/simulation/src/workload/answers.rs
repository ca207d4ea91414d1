//! Between JSON on the wire and the words of a history.

use holdfast_model::{
    Act, Answer, Booking, BookingId, Counts, Request, Revision, SlotId, Status, Told, UserId,
};
use serde_json::Value;

use super::accounts::name_of;
use crate::client::{Reply, Silence};

/// What an attempt came to.
pub(super) fn answer_in(request: Request, sent: &Result<Reply, Silence>) -> Answer {
    let reply = match sent {
        Ok(reply) => reply,
        Err(Silence::NotSent) => return Answer::NotDone("connect".to_owned()),
        Err(Silence::Lost) => return Answer::Unknown,
    };
    let damaged = || Answer::NotDone(format!("damaged-{}", reply.json));
    match (reply.status, request) {
        (200 | 201, Request::Look(_)) => counts_in(&reply.json).map_or_else(damaged, Answer::Slot),
        (200 | 201, Request::List(_)) => list_in(&reply.json).unwrap_or_else(damaged),
        (200 | 201, _) => booking_in(&reply.json).map_or_else(damaged, Answer::Booking),
        // Decided by the rules, and remembered.
        (404 | 409 | 412 | 422, _) => Answer::Refused(reply.code().to_owned()),
        (500 | 504, _) => Answer::Unknown,
        (status, _) => Answer::NotDone(format!("{status}-{}", reply.code())),
    }
}

/// What an attempt at the entrance was told; nothing if nothing was done.
pub(super) fn told_at_entrance(act: &Act, sent: &Result<Reply, Silence>) -> Option<Told> {
    let reply = match sent {
        Ok(reply) => reply,
        Err(Silence::NotSent) => return None,
        Err(Silence::Lost) => return Some(Told::Unknown),
    };
    match (reply.status, act) {
        (200..=299, Act::Fetches | Act::Renews) => {
            reply.json["token"].as_str().map(|token| Told::Code(name_of(token)))
        }
        (200..=299, Act::Scans(_)) => revision_in(&reply.json).map(Told::Admitted),
        (200..=299, Act::Undoes) => Some(Told::Undone),
        (404 | 409 | 412 | 422, _) => Some(Told::Refused(reply.code().to_owned())),
        (500 | 504, _) => Some(Told::Unknown),
        _ => None,
    }
}

/// What an attempt came to, in a word or two.
pub(super) fn summary_of(sent: &Result<Reply, Silence>) -> String {
    match sent {
        Ok(reply) if reply.status < 300 => "done".to_owned(),
        Ok(reply) => format!("{} {}", reply.status, reply.code()),
        Err(Silence::NotSent) => "not sent".to_owned(),
        Err(Silence::Lost) => "silence".to_owned(),
    }
}

/// Whether no other attempt will say anything else.
pub(super) fn is_definite(sent: &Result<Reply, Silence>) -> bool {
    matches!(sent, Ok(Reply { status: 200..=299 | 400 | 401 | 403 | 404 | 409 | 412 | 422, .. }))
}

/// A booking on `/v1`.
pub(super) fn booking_in(json: &Value) -> Option<Booking> {
    let number = |name: &str| json[name].as_u64();
    let status = Status::named(json["status"].as_str()?)?;
    Some(Booking {
        id: BookingId(number("id")?),
        slot: SlotId(number("slotId")?),
        owner: UserId(number("userId")?),
        count: u32::try_from(number("count")?).ok()?,
        status,
        revision: Some(revision_in(json)?),
    })
}

/// Where a change took effect.
pub(super) fn revision_in(json: &Value) -> Option<Revision> {
    let (index, ordinal) = json["revision"].as_str()?.split_once('-')?;
    Some(Revision { index: index.parse().ok()?, ordinal: ordinal.parse().ok()? })
}

fn counts_in(json: &Value) -> Option<Counts> {
    let pools = json["pools"].as_array()?;
    let sum = |name: &str| pools.iter().map(|pool| pool[name].as_u64()).sum::<Option<u64>>();
    Some(Counts {
        capacity: sum("capacity")?,
        available: sum("available")?,
        held: sum("held")?,
        confirmed: sum("confirmed")?,
    })
}

fn list_in(json: &Value) -> Option<Answer> {
    let items = json["items"].as_array()?;
    let ids = items.iter().map(|item| item["id"].as_u64().map(BookingId)).collect::<Option<_>>()?;
    Some(Answer::List { bookings: ids, has_more: json["next"].as_u64().is_some() })
}
