//! `/v1/venues`.

use axum::extract::State;
use holdfast_reservations::{Venue, VenueId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words::time_of_day;
use crate::problem::{Problem, Result};
use crate::service::Service;

/// Longest name of anything.
pub(super) const NAME_BYTES_MAX: usize = 200;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewVenue)]
pub(crate) struct CreateBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(min_length = 1, max_length = 200)]
    region: String,
    /// A name of the IANA time zone database.
    time_zone: String,
    /// HH:MM
    #[schema(schema_with = time_of_day)]
    open_at: String,
    /// HH:MM; 24:00 is the end of the day.
    #[schema(schema_with = time_of_day)]
    close_at: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Venue)]
pub(crate) struct VenueBody {
    id: u64,
    name: String,
    region: String,
    time_zone: String,
    open_at: String,
    close_at: String,
}

pub(crate) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CreateVenue).await?;
    let venue = venue_from(call.json()?)?;
    let (id, venue) = service.create_venue(caller, venue, &call.context).await?;
    Reply::created(&venue_body(id, venue))
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCatalog).await?;
    let id = path_id(&id, "venue_not_found", "venue").map(VenueId)?;
    let read = service.venue(asked, id).await?;
    Reply::read(read, |venue| venue_body(id, venue))
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCatalog).await?;
    let limit = call.limit()?;
    let before = VenueId(call.query_id("after")?.unwrap_or(u64::MAX));
    let read = service.venues(asked, before, limit + 1).await?;
    Reply::read(read, |venues| cut(venues, limit, |(id, _)| id.0, |(id, venue)| venue_body(id, venue)))
}

fn venue_from(body: CreateBody) -> Result<Venue> {
    jiff::tz::TimeZone::get(&body.time_zone)
        .map_err(|_| Problem::senseless(format!("timeZone is an IANA name, not {}", body.time_zone)))?;
    Ok(Venue {
        name: name_from("name", body.name)?,
        region: name_from("region", body.region)?,
        time_zone: body.time_zone,
        opens_at_minute: minute_from("openAt", &body.open_at)?,
        closes_at_minute: minute_from("closeAt", &body.close_at)?,
    })
}

fn venue_body(id: VenueId, venue: Venue) -> VenueBody {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    VenueBody {
        id: id.0,
        name: venue.name,
        region: venue.region,
        time_zone: venue.time_zone,
        open_at: clock(venue.opens_at_minute),
        close_at: clock(venue.closes_at_minute),
    }
}

/// A name of anything.
pub(super) fn name_from(field: &str, name: String) -> Result<String> {
    match name.len() {
        1..=NAME_BYTES_MAX => Ok(name),
        _ => Err(Problem::senseless(format!("{field} has 1 to {NAME_BYTES_MAX} bytes"))),
    }
}

/// `HH:MM` as minutes after midnight; 24:00 is the end of the day.
fn minute_from(field: &str, text: &str) -> Result<u16> {
    let malformed = || Problem::malformed(format!("{field} is HH:MM, not {text}"));
    let (hours, minutes) = text.split_once(':').filter(|_| text.len() == 5).ok_or_else(malformed)?;
    let (hours, minutes): (u16, u16) =
        (hours.parse().map_err(|_| malformed())?, minutes.parse().map_err(|_| malformed())?);
    match (hours, minutes) {
        (0..=23, 0..=59) | (24, 0) => Ok(hours * 60 + minutes),
        _ => Err(Problem::senseless(format!("{field} is no time of day: {text}"))),
    }
}
