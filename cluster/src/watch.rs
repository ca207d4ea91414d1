//! `holdfast watch`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use holdfast_client::{Client, Error, Event, Revision, SlotAvailability, Watch, Watched, Watching};
use serde_json::{Map, Value, json};

use crate::failure::{self, Failure};
use crate::output::{OutputFormat, print_line};
use crate::target::Target;
use crate::{sign_in, tls};

/// A cluster of which no node lets anybody watch by then cannot be reached.
const BEGIN_DURATION_MAX: Duration = Duration::from_secs(10);

/// Reasons that are told of one gap; more of them say nothing new.
const REASONS_TOLD_MAX: usize = 8;

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

/// Prints what happens, a line each, until it is stopped. A stream that is lost, and where it goes on, is told on stderr.
///
/// # Errors
///
/// See [`Failure`]; [`Failure::Connect`] if no node lets the caller watch within ten seconds at first.
pub fn watch(arguments: &WatchArguments) -> Result<(), Failure> {
    failure::block_on(async {
        let watching = client(&arguments.target)?.watch(arguments.asked());
        print_all(watching, arguments.count, arguments.target.output, BEGIN_DURATION_MAX).await
    })
}

async fn print_all(
    mut watching: Watching,
    mut left: Option<u64>,
    output: OutputFormat,
    begin_duration: Duration,
) -> Result<(), Failure> {
    let begin_by = tokio::time::Instant::now() + begin_duration;
    let mut stream = Stream::default();
    while left != Some(0) {
        let next = if stream.has_begun {
            watching.next().await
        } else {
            let next = tokio::time::timeout_at(begin_by, watching.next()).await;
            next.map_err(|_| stream.never_begun())?
        };
        let line = match next {
            None => return Ok(()),
            Some(Err(Error::Refused(refusal))) => return Err(Failure::Refused(refusal.to_string())),
            Some(Err(error)) => return Err(Failure::other(error)),
            Some(Ok(Watched::Event(event))) => {
                left = left.map(|left| left - 1);
                event_row(&event)
            }
            Some(Ok(Watched::Availability(slot))) => availability_row(&slot),
            Some(Ok(Watched::Begun(at))) => {
                stream.begun(at).iter().for_each(|line| eprintln!("{line}"));
                continue;
            }
            Some(Ok(Watched::Lost(why))) => {
                stream.lost(why).iter().for_each(|line| eprintln!("{line}"));
                continue;
            }
            Some(Ok(_)) => continue,
        };
        match output {
            OutputFormat::Json => print_line(&line.to_string()),
            OutputFormat::Table => print_line(&for_people(&line)),
        }
    }
    Ok(())
}

/// How the stream is, and what people were told of that.
#[derive(Debug, Default)]
struct Stream {
    has_begun: bool,
    /// Why there is none at the moment.
    lost: Option<String>,
    told: BTreeSet<String>,
}

impl Stream {
    /// What to tell when it begins, or goes on.
    fn begun(&mut self, at: Revision) -> Option<String> {
        let was_lost = self.lost.take().is_some();
        self.told.clear();
        let had_begun = std::mem::replace(&mut self.has_begun, true);
        let what = if had_begun { "goes on" } else { "begins" };
        was_lost.then(|| format!("watch: {what} behind {}", revision(at)))
    }

    /// What to tell when there is none: every reason once.
    fn lost(&mut self, why: String) -> Option<String> {
        let is_new = self.told.len() < REASONS_TOLD_MAX && self.told.insert(why.clone());
        let what = if self.has_begun { "the stream is lost" } else { "no stream yet" };
        let line = format!("watch: {what}: {why}; trying again");
        self.lost = Some(why);
        is_new.then_some(line)
    }

    fn never_begun(&self) -> Failure {
        Failure::Connect(self.lost.clone().unwrap_or_else(|| "no node answers".to_owned()))
    }
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
    builder.deadline(BEGIN_DURATION_MAX).build().map_err(Failure::other)
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

    #[tokio::test]
    async fn a_watch_that_never_begins_says_why() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let client = Client::builder().endpoints([&address]).token("t").build().unwrap();
        let watching = client.watch(Watch::everything());
        let ended = print_all(watching, None, OutputFormat::Json, Duration::from_secs(2)).await;
        let failure = ended.unwrap_err();
        assert_eq!(failure.exit_code(), 3);
        assert!(failure.to_string().contains(&address), "{failure}");
    }

    #[test]
    fn each_reason_of_a_gap_is_told_once_and_where_it_goes_on() {
        let mut stream = Stream::default();
        let lost = |stream: &mut Stream, why: &str| stream.lost(why.to_owned());
        let full = "watch: no stream yet: a:1: watchers_full: no room; trying again";
        assert_eq!(lost(&mut stream, "a:1: watchers_full: no room").as_deref(), Some(full));
        assert_eq!(lost(&mut stream, "a:1: watchers_full: no room"), None);
        let at = Revision { index: 1042, ordinal: 3 };
        assert_eq!(stream.begun(at).as_deref(), Some("watch: begins behind 1042-3"));
        assert_eq!(Stream::default().begun(at), None, "that is as it should be");
        let gone = "watch: the stream is lost: b:1: it fell silent; trying again";
        assert_eq!(lost(&mut stream, "b:1: it fell silent").as_deref(), Some(gone));
        for nth in 1..REASONS_TOLD_MAX {
            assert!(lost(&mut stream, &nth.to_string()).is_some());
        }
        assert_eq!(lost(&mut stream, "one more"), None);
        assert_eq!(stream.begun(at).as_deref(), Some("watch: goes on behind 1042-3"));
        assert!(lost(&mut stream, "b:1: it fell silent").is_some(), "that is another gap");
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
