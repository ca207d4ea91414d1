//! `/v1/reports`: how full slots were, who came, and what became of holds; as JSON or CSV.

use std::fmt::Write as _;

use axum::extract::State;
use holdfast_raft::Read;
use holdfast_reservations::{ResourceId, SlotId, Timestamp, VenueId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::v1::cut;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{Figures, ResourceReport, Service, SlotReport, Span};
use crate::wire::{instant, moment_in};

const CSV: &str = "text/csv; charset=utf-8";

/// What became of places, parties and holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FiguresBody {
    /// All places.
    capacity: u64,
    /// Places taken for good: parties that came, that are expected, and that did not come and were not released.
    booked: u64,
    /// Places held at this moment.
    held: u64,
    /// Places of parties that were admitted.
    used: u64,
    /// Places of parties that did not come.
    no_shows: u64,
    /// `booked` of `capacity`; null without places.
    utilisation: Option<f64>,
    /// `noShows` of those whose time has come; null while it has not.
    no_show_rate: Option<f64>,
    /// Holds that were placed.
    holds: u64,
    /// Holds that were confirmed.
    holds_confirmed: u64,
    /// Holds that were not confirmed in time.
    holds_lapsed: u64,
    /// Holds that were given back.
    holds_given_back: u64,
    /// `holdsConfirmed` of the holds that have ended; null while none has.
    hold_conversion: Option<f64>,
}

/// A slot in a report.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SlotReportBody {
    slot_id: u64,
    resource_id: u64,
    start_time: String,
    end_time: String,
    #[serde(flatten)]
    figures: FiguresBody,
}

/// A resource in a report.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceReportBody {
    resource_id: u64,
    venue_id: u64,
    name: String,
    /// Its slots that start in the time asked for.
    slots: u64,
    #[serde(flatten)]
    figures: FiguresBody,
}

pub(crate) async fn slots(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadReports).await?;
    let resource = call.query_id("resourceId")?.map(ResourceId);
    let resource = resource.ok_or_else(|| Problem::malformed("resourceId is missing: of which resource?"))?;
    let (span, format, limit) = (span(&call)?, format(&call)?, call.limit()?);
    let after = call.query_id("after")?.map(SlotId);
    let read = service.slot_reports(asked, resource, span, after, limit + 1).await?;
    match format {
        Format::Json => Reply::read(read, |slots| cut(slots, limit, |slot| slot.id.0, slot_body)),
        Format::Csv => csv(read, "slotId,resourceId,startTime,endTime", limit, slot_line),
    }
}

pub(crate) async fn resources(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadReports).await?;
    let venue = call.query_id("venueId")?.map(VenueId);
    let (span, format, limit) = (span(&call)?, format(&call)?, call.limit()?);
    let before = ResourceId(call.query_id("after")?.unwrap_or(u64::MAX));
    let read = service.resource_reports(asked, venue, span, before, limit + 1).await?;
    match format {
        Format::Json => Reply::read(read, |found| cut(found, limit, |found| found.id.0, resource_body)),
        Format::Csv => csv(read, "resourceId,venueId,name,slots", limit, resource_line),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

/// What `format` says, or else what the caller accepts.
fn format(call: &Call) -> Result<Format> {
    match call.query("format")?.as_deref() {
        Some("json") => Ok(Format::Json),
        Some("csv") => Ok(Format::Csv),
        Some(other) => Err(Problem::senseless(format!("format is json or csv, not {other}"))),
        None if call.header("accept").is_some_and(|accept| accept.trim().starts_with("text/csv")) => {
            Ok(Format::Csv)
        }
        None => Ok(Format::Json),
    }
}

fn span(call: &Call) -> Result<Span> {
    let given = |name: &str, otherwise| match call.query(name)? {
        None => Ok(otherwise),
        Some(text) => {
            moment_in(&text).ok_or_else(|| Problem::malformed(format!("{name} is not a moment: {text}")))
        }
    };
    let span = Span { from: given("from", Timestamp::default())?, to: given("to", Timestamp::MAX)? };
    match span.from < span.to {
        true => Ok(span),
        false => Err(Problem::senseless("to is not after from")),
    }
}

fn slot_body(report: SlotReport) -> SlotReportBody {
    SlotReportBody {
        slot_id: report.id.0,
        resource_id: report.resource.0,
        start_time: instant(report.window.starts_at()),
        end_time: instant(report.window.ends_at()),
        figures: figures_body(&report.figures),
    }
}

fn resource_body(report: ResourceReport) -> ResourceReportBody {
    ResourceReportBody {
        resource_id: report.id.0,
        venue_id: report.resource.venue.0,
        name: report.resource.name,
        slots: report.slots,
        figures: figures_body(&report.figures),
    }
}

fn figures_body(figures: &Figures) -> FiguresBody {
    let tally = figures.tally;
    FiguresBody {
        capacity: figures.capacity,
        booked: figures.booked,
        held: figures.held,
        used: tally.used.places,
        no_shows: tally.no_shows.places,
        utilisation: figures.utilisation(),
        no_show_rate: figures.no_show_rate(),
        holds: tally.holds.bookings,
        holds_confirmed: tally.confirmed.bookings,
        holds_lapsed: tally.lapsed.bookings,
        holds_given_back: tally.given_back.bookings,
        hold_conversion: figures.hold_conversion(),
    }
}

/// A page as CSV (RFC 4180), a header first. Whoever wants the next page asks behind the last line.
fn csv<T>(read: Read<Vec<T>>, head: &str, limit: usize, line: impl Fn(T) -> String) -> Answer {
    let Read { value, index, age } = read;
    let mut text = format!("{head},{FIGURES_HEAD}\r\n");
    for one in value.into_iter().take(limit) {
        text.push_str(&line(one));
        text.push_str("\r\n");
    }
    Ok(Reply::bytes(text.into_bytes(), CSV, "no-store").of_moment(index, age))
}

const FIGURES_HEAD: &str = "capacity,booked,held,used,noShows,utilisation,noShowRate,holds,holdsConfirmed,\
                            holdsLapsed,holdsGivenBack,holdConversion";

fn slot_line(report: SlotReport) -> String {
    let SlotReportBody { slot_id, resource_id, start_time, end_time, figures } = slot_body(report);
    format!("{slot_id},{resource_id},{start_time},{end_time},{}", figures_line(&figures))
}

fn resource_line(report: ResourceReport) -> String {
    let ResourceReportBody { resource_id, venue_id, name, slots, figures } = resource_body(report);
    format!("{resource_id},{venue_id},{},{slots},{}", quoted(&name), figures_line(&figures))
}

fn figures_line(figures: &FiguresBody) -> String {
    let rate = |rate: Option<f64>| rate.map(|rate| rate.to_string()).unwrap_or_default();
    let FiguresBody { capacity, booked, held, used, no_shows, holds, .. } = figures;
    let mut line = format!("{capacity},{booked},{held},{used},{no_shows}");
    let rates = (rate(figures.utilisation), rate(figures.no_show_rate), rate(figures.hold_conversion));
    let ends = (figures.holds_confirmed, figures.holds_lapsed, figures.holds_given_back);
    // Writing to a string cannot fail.
    let _ = write!(line, ",{},{},{holds},{},{},{},{}", rates.0, rates.1, ends.0, ends.1, ends.2, rates.2);
    line
}

/// A text in CSV. What a spreadsheet would take for a formula is kept from being one.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{Count, SlotTally, Window};

    use super::*;

    fn figures() -> Figures {
        let count = |bookings, places| Count { bookings, places };
        let tally = SlotTally {
            holds: count(9, 12),
            confirmed: count(3, 4),
            lapsed: count(2, 3),
            given_back: count(1, 1),
            used: count(4, 6),
            no_shows: count(1, 3),
        };
        Figures { capacity: 30, booked: 20, held: 4, tally }
    }

    #[test]
    fn a_line_has_as_many_fields_as_its_head() {
        let window = Window::new(Timestamp(0), Timestamp(1_000)).unwrap();
        let report = SlotReport { id: SlotId(7), resource: ResourceId(2), window, figures: figures() };
        let line = slot_line(report);
        assert_eq!(
            line,
            "7,2,1970-01-01T00:00:00Z,1970-01-01T00:00:01Z,30,20,4,6,3,0.6667,0.3333,9,3,2,1,0.5"
        );
        let head = format!("slotId,resourceId,startTime,endTime,{FIGURES_HEAD}");
        assert_eq!(line.split(',').count(), head.split(',').count());
    }

    #[test]
    fn shares_of_nothing_are_left_out() {
        let line = figures_line(&figures_body(&Figures::default()));
        assert_eq!(line, "0,0,0,0,0,,,0,0,0,0,");
    }

    #[test]
    fn names_stay_in_their_field_and_are_no_formulas() {
        assert_eq!(quoted("Big \"Loop\", north"), "\"Big \"\"Loop\"\", north\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
    }
}
