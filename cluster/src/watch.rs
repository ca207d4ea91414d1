//! `holdfast watch`.

use std::time::Duration;

use clap::Args;
use holdfast_client::{Client, Error, Event, Revision, SlotAvailability, Watch, Watched};
use serde_json::{Map, Value, json};

use crate::failure::{self, Failure};
use crate::output::{OutputFormat, print_line};
use crate::target::Target;
use crate::{sign_in, tls};

/// What to watch, from where on, and how to print.
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// Begin behind this: INDEX-ORDINAL of an event, or the INDEX of an answer [default: now]
    #[arg(long, value_name = "REVISION", value_parser = start)]
    after: Option<Start>,
    /// Only of these slots; what is left of them is shown too
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    slot: Vec<u64>,
    /// Only of these resources; what is left of their slots is shown too
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    resource: Vec<u64>,
    /// Only bookings of these users
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    user: Vec<u64>,
    /// Only of these kinds: booking.held, booking.*, slot.opened, ...
    #[arg(long, value_name = "KIND,..", value_delimiter = ',')]
    kind: Vec<String>,
    /// End after so many events
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    target: Target,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Revision(u64, u32),
    Index(u64),
}

fn start(text: &str) -> Result<Start, String> {
    let wrong = |_| "it is INDEX-ORDINAL or INDEX".to_owned();
    match text.split_once('-') {
        None => text.parse().map(Start::Index).map_err(wrong),
        Some((index, ordinal)) => {
            Ok(Start::Revision(index.parse().map_err(wrong)?, ordinal.parse().map_err(wrong)?))
        }
    }
}

/// Prints what happens, a line each, until it is stopped.
///
/// # Errors
///
/// See [`Failure`].
pub fn watch(arguments: &WatchArguments) -> Result<(), Failure> {
    failure::block_on(run(arguments))
}

async fn run(arguments: &WatchArguments) -> Result<(), Failure> {
    let mut watching = client(&arguments.target)?.watch(arguments.asked());
    let mut left = arguments.count;
    while left != Some(0) {
        let line = match watching.next().await {
            None => return Ok(()),
            Some(Err(Error::Refused(refusal))) => return Err(Failure::Refused(refusal.to_string())),
            Some(Err(error)) => return Err(Failure::other(error)),
            Some(Ok(Watched::Event(event))) => {
                left = left.map(|left| left - 1);
                event_row(&event)
            }
            Some(Ok(Watched::Availability(slot))) => availability_row(&slot),
            Some(Ok(_)) => continue,
        };
        match arguments.target.output {
            OutputFormat::Json => print_line(&line.to_string()),
            OutputFormat::Table => print_line(&for_people(&line)),
        }
    }
    Ok(())
}

impl WatchArguments {
    fn asked(&self) -> Watch {
        let mut asked = Watch::everything();
        asked = self.slot.iter().fold(asked, |asked, id| asked.slot(*id));
        asked = self.resource.iter().fold(asked, |asked, id| asked.resource(*id));
        asked = self.user.iter().fold(asked, |asked, id| asked.user(*id));
        asked = self.kind.iter().fold(asked, |asked, kind| asked.kind(kind));
        match self.after {
            None => asked,
            Some(Start::Index(index)) => asked.after_index(index),
            Some(Start::Revision(index, ordinal)) => asked.after(Revision { index, ordinal }),
        }
    }
}

fn client(target: &Target) -> Result<Client, Failure> {
    let builder = Client::builder().endpoints(target.endpoints.clone()).token(sign_in::token()?);
    let builder = match tls::trusted_pem()? {
        Some(authority) => builder.certificate_authority(authority),
        None => builder,
    };
    builder.deadline(Duration::from_secs(10)).build().map_err(Failure::other)
}

/// An event as the HTTP API writes it.
fn event_row(event: &Event) -> Value {
    let mut row = Map::new();
    row.insert("revision".to_owned(), revision(event.revision).into());
    row.insert("kind".to_owned(), event.kind.as_str().into());
    let ids = [
        ("bookingId", event.booking_id),
        ("slotId", event.slot_id),
        ("resourceId", event.resource_id),
        ("venueId", event.venue_id),
        ("userId", event.user_id),
    ];
    row.extend(ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?.into()))));
    Value::Object(row)
}

fn availability_row(slot: &SlotAvailability) -> Value {
    let pools = slot.pools.iter().map(|pool| {
        json!({"id": pool.id, "available": pool.available, "held": pool.held, "confirmed": pool.confirmed})
    });
    let pools: Vec<Value> = pools.collect();
    json!({"kind": "slot.availability", "slotId": slot.slot_id, "index": slot.index, "pools": pools})
}

fn revision(Revision { index, ordinal }: Revision) -> String {
    format!("{index}-{ordinal}")
}

/// One line: where, what, and of which things.
fn for_people(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
    let ids =
        [("bookingId", "booking"), ("slotId", "slot"), ("resourceId", "resource"), ("venueId", "venue")];
    let ids = ids.into_iter().chain([("userId", "user")]);
    let ids = ids.filter_map(|(name, word)| Some(format!(" {word}:{}", row[name].as_u64()?)));
    let pools = row["pools"].as_array().into_iter().flatten().map(|pool| {
        let number = |name: &str| pool[name].as_u64().unwrap_or_default();
        let (id, available) = (number("id"), number("available"));
        format!(" pool:{id} available={available} held={} confirmed={}", number("held"), number("confirmed"))
    });
    let things: String = ids.chain(pools).collect();
    format!("{:12} {:20}{things}", text("revision"), text("kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_begins_behind_an_event_or_an_answer() {
        assert_eq!(start("1042-3"), Ok(Start::Revision(1042, 3)));
        assert_eq!(start("1042"), Ok(Start::Index(1042)));
        assert!(start("x").is_err() && start("1-").is_err() && start("").is_err());
    }

    #[test]
    fn a_line_says_where_what_and_of_which_things() {
        let held =
            json!({"revision": "1042-3", "kind": "booking.held", "bookingId": 7, "slotId": 5, "userId": 2});
        assert_eq!(for_people(&held), "1042-3       booking.held         booking:7 slot:5 user:2");
        let left = json!({"kind": "slot.availability", "slotId": 5, "pools": [{"id": 1, "available": 9, "held": 1, "confirmed": 0}]});
        assert_eq!(
            for_people(&left),
            "-            slot.availability    slot:5 pool:1 available=9 held=1 confirmed=0"
        );
    }
}
