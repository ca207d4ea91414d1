//! `/v1/watch`: the feed as server-sent events (WHATWG HTML, section 9.2).

use std::io;
use std::time::Duration;

use axum::extract::State;
use holdfast_reservations::{Event, Revision};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::watch::{AVAILABILITY, Cut, Filter, From, Item, Shown, SlotLeft, WatchCall, pump};
use crate::wire::id_in;

const NAMES: [&str; 7] = ["after", "slotId", "resourceId", "userId", "kind", "consistency", "max_staleness"];

const LAST_EVENT_ID: &str = "last-event-id";

/// When a browser connects again after its stream has broken off, in milliseconds.
const RETRY_MS: u32 = 1000;

/// A watcher who is shown nothing hears this often how far he is, so that he does not fall behind what is kept.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(600);

/// What happened.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WatchEvent)]
pub(crate) struct EventBody {
    /// The `id` of the event: INDEX-ORDINAL.
    revision: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    venue_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<u64>,
}

/// Where the stream starts.
#[derive(Serialize)]
struct HelloBody {
    kind: &'static str,
    revision: String,
}

/// What is left of a slot.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AvailabilityBody {
    kind: &'static str,
    slot_id: u64,
    index: u64,
    pools: Vec<PoolBody>,
}

#[derive(Serialize)]
struct PoolBody {
    id: u64,
    available: u32,
    held: u32,
    confirmed: u32,
}

/// Why the stream ends.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CutBody<'a> {
    kind: &'static str,
    reason: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_index: Option<u64>,
}

pub(crate) async fn watch(State(service): State<Service>, call: Call) -> Answer {
    let (from, filter) = asked(&call)?;
    let token = call.token()?.map(str::to_owned);
    let (consistency, stopping) = (call.consistency()?, call.stopping.clone());
    let asked = WatchCall { token, from, filter, consistency, stopping };
    let watching = service.watch(asked, call.context.deadline).await?;
    let at = watching.0.at();
    let mut progress = Progress { told: at, told_at: Instant::now() };
    let hello = hello(at)?;
    let parts = pump(watching, Ok(hello), move |item| written(item, &mut progress).map(Ok));
    Ok(Reply::stream(parts, "text/event-stream"))
}

/// Where the stream is to start, and what it is to show.
fn asked(call: &Call) -> Result<(From, Filter)> {
    let (mut after, mut slots, mut resources, mut users) = (None, Vec::new(), Vec::new(), Vec::new());
    let mut kinds = Vec::new();
    for (name, value) in call.queries(&NAMES)? {
        let values = value.split(',').map(str::trim);
        let ids = || -> Result<Vec<u64>> {
            let id = |text: &str| {
                id_in(text).ok_or_else(|| Problem::malformed(format!("{name} is not an id: {text}")))
            };
            values.clone().map(id).collect()
        };
        match &*name {
            "after" => after = Some(start_in("after", &value)?),
            "slotId" => slots.extend(ids()?),
            "resourceId" => resources.extend(ids()?),
            "userId" => users.extend(ids()?),
            "kind" => kinds.extend(values.map(str::to_owned)),
            // How current the start is to be.
            _ => (),
        }
    }
    // A browser that connects again asks for the same path, and says in the header how far it came.
    let last = call.header(LAST_EVENT_ID).filter(|text| !text.is_empty());
    let last = last.map(|text| start_in("Last-Event-ID", text)).transpose()?;
    Ok((last.or(after).unwrap_or(From::Now), Filter::new(slots, resources, users, kinds)?))
}

/// INDEX-ORDINAL, or INDEX for all of an entry.
fn start_in(name: &str, text: &str) -> Result<From> {
    let number =
        |text: &str| text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let start = match text.split_once('-') {
        None => number(text).map(From::Index),
        Some((index, ordinal)) => number(index)
            .zip(number(ordinal).and_then(|ordinal| u32::try_from(ordinal).ok()))
            .map(|(index, ordinal)| From::Revision(Revision { index, ordinal })),
    };
    start.ok_or_else(|| {
        Problem::malformed(format!("{name} is a revision, INDEX-ORDINAL, or an index: {text}"))
    })
}

fn hello(at: Revision) -> Result<Vec<u8>> {
    let revision = at.to_string();
    let mut part = format!("retry: {RETRY_MS}\n").into_bytes();
    let body = HelloBody { kind: "hello", revision: revision.clone() };
    write(&mut part, Some(&revision), "hello", &body)
        .map_err(|_| Problem::new(500, "internal", "the answer cannot be written"))?;
    Ok(part)
}

/// What a watcher was last told of how far he is.
struct Progress {
    told: Revision,
    told_at: Instant,
}

/// What comes next, as it is written.
fn written(item: &Item, progress: &mut Progress) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    match item {
        Item::Events(events) => {
            for event in events {
                let body = event_body(event);
                write(&mut part, Some(&body.revision), body.kind, &body)?;
                *progress = Progress { told: event.revision, told_at: Instant::now() };
            }
        }
        Item::KeepAlive(at) => {
            part.extend_from_slice(b": keep-alive\n");
            if *at > progress.told && progress.told_at.elapsed() >= PROGRESS_INTERVAL {
                *progress = Progress { told: *at, told_at: Instant::now() };
                // An id without data is no event, but where to go on.
                part.extend_from_slice(format!("id: {at}\n").as_bytes());
            }
            part.push(b'\n');
        }
        Item::Availability(slots) => {
            for left in slots {
                write(&mut part, None, AVAILABILITY, &availability_body(left))?;
            }
        }
        Item::Cut(cut) => {
            let Cut { reason, detail, resume_after, first_index } = cut;
            let resume_after = resume_after.map(|at| at.to_string());
            let id = resume_after.clone();
            let body = CutBody { kind: "cut", reason, detail, resume_after, first_index: *first_index };
            write(&mut part, id.as_deref(), "cut", &body)?;
        }
    }
    Ok(part)
}

/// JSON has no line breaks of its own, so it is one line of data.
fn write(part: &mut Vec<u8>, id: Option<&str>, name: &str, body: &impl Serialize) -> io::Result<()> {
    if let Some(id) = id {
        part.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    part.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    serde_json::to_writer(&mut *part, body)?;
    part.extend_from_slice(b"\n\n");
    Ok(())
}

fn event_body(Shown { revision, event, resource }: &Shown) -> EventBody {
    let (booking_id, slot_id, venue_id, user_id) = match event {
        Event::Booking { booking, slot, user, .. } => (Some(booking.0), Some(slot.0), None, Some(user.0)),
        Event::Slot { slot, .. } => (None, Some(slot.0), None, None),
        Event::VenueCreated(venue) => (None, None, Some(venue.0), None),
        Event::ResourceCreated(_) | Event::ResourceChanged(_) | Event::ResourceWithdrawn(_) => {
            (None, None, None, None)
        }
    };
    let (revision, kind) = (revision.to_string(), event.name());
    let resource_id = resource.map(|resource| resource.0);
    EventBody { revision, kind, booking_id, slot_id, resource_id, venue_id, user_id }
}

fn availability_body(SlotLeft { slot, index, pools }: &SlotLeft) -> AvailabilityBody {
    let pools = pools.iter().map(|left| PoolBody {
        id: left.pool.0,
        available: left.available,
        held: left.held,
        confirmed: left.confirmed,
    });
    AvailabilityBody { kind: AVAILABILITY, slot_id: slot.0, index: *index, pools: pools.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str) -> Option<From> {
        start_in("after", text).ok()
    }

    #[test]
    fn a_stream_starts_behind_a_revision_or_all_of_an_entry() {
        assert_eq!(start("1042-3"), Some(From::Revision(Revision { index: 1042, ordinal: 3 })));
        assert_eq!(start("1042"), Some(From::Index(1042)));
        for text in
            ["", "-", "-3", "1042-", "+1-2", "1042-3-4", "1042-4294967296", "99999999999999999999", "x"]
        {
            assert_eq!(start(text), None, "{text}");
        }
    }
}
