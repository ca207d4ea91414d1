//! Seed S0, FastPass: six endpoints under `/rides`. A slot is named by its ride, start and end, never by its id.

use axum::extract::State;
use holdfast_reservations::{
    BookingId, BookingState, Cancel, CheckIn, Command, Modify, Order, Places, Reserve, ResourceId,
    SlotChoice, SlotName, Window,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::{Id, Moment, count_from, instant, whole_second};

/// Bookings of one page of the history.
const PAGE_MAX: usize = 100;
const PAGE_DEFAULT: usize = 20;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RideBooking)]
pub(crate) struct BookBody {
    ride_id: Id,
    #[schema(minimum = 1)]
    cnt: i64,
    start_time: Moment,
    end_time: Moment,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RideChange)]
pub(crate) struct ChangeBody {
    #[schema(minimum = 1)]
    cnt: i64,
    start_time: Moment,
    end_time: Moment,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RideCheckIn)]
pub(crate) struct CheckInBody {
    #[schema(schema_with = words::checked_in)]
    status: String,
    check_in_time: Moment,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RideHistoryRow)]
pub(crate) struct HistoryRow {
    booking_id: u64,
    #[schema(format = DateTime)]
    booking_time: String,
    ride_id: u64,
    cnt: u32,
    #[schema(format = DateTime)]
    start_time: String,
    #[schema(format = DateTime)]
    end_time: String,
    #[schema(schema_with = words::ride_status)]
    status: &'static str,
}

pub(crate) async fn book(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::Book).await?;
    let body: BookBody = call.json()?;
    let slot = SlotName::Window(ResourceId(body.ride_id.0), window(body.start_time, body.end_time)?);
    let places = Places::Count(count_from(body.cnt)?);
    let wanted = Reserve { slot, pool: None, places, hold: None, user: None };
    let (id, booking, _) = service.reserve(caller, wanted, &call.context).await?;
    Reply::created(&json!({"bookingId": id.0, "bookingTime": instant(whole_second(booking.booked_at))}))
}

pub(crate) async fn history(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadBookings).await?;
    let after = call.query_id("lastReceivedBookingId")?.map(BookingId);
    let order = order(&call)?;
    let read = service.history(asked, after, order, page_size(&call)?).await?;
    Reply::read(read, |bookings| {
        let rows = bookings.into_iter().map(|(id, booking, slot)| HistoryRow {
            booking_id: id.0,
            booking_time: instant(whole_second(booking.booked_at)),
            ride_id: slot.resource.0,
            cnt: booking.count,
            start_time: instant(slot.window.starts_at()),
            end_time: instant(slot.window.ends_at()),
            status: status(&booking.state),
        });
        json!({"bookings": rows.collect::<Vec<_>>()})
    })
}

pub(crate) async fn change(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeBooking).await?;
    let booking = booking_id(&id)?;
    let body: ChangeBody = call.json()?;
    let slot = Some(SlotChoice::Window(window(body.start_time, body.end_time)?));
    let (count, expected_version) = (Some(count_from(body.cnt)?), call.expected_version()?);
    let command = Command::Modify(Modify { booking, expected_version, slot, pool: None, count });
    service.change_booking(caller, command, &call.context).await?;
    success()
}

pub(crate) async fn cancel(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CancelBooking).await?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let command = Command::Cancel(Cancel { booking, expected_version });
    service.change_booking(caller, command, &call.context).await?;
    success()
}

pub(crate) async fn check_in(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CheckIn).await?;
    let booking = booking_id(&id)?;
    let body: CheckInBody = call.json()?;
    if body.status != "checked-in" {
        return Err(Problem::senseless(format!("status is `checked-in`, not {}", body.status)));
    }
    let (expected_version, scanned_at) = (call.expected_version()?, Some(body.check_in_time.0));
    let command = Command::CheckIn(CheckIn { booking, expected_version, scanned_at });
    service.change_booking(caller, command, &call.context).await?;
    success()
}

pub(crate) async fn code(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCode).await?;
    let code = service.code(asked, booking_id(&id)?, &call.context).await?;
    Reply::read(code, |code| json!({"s3PresignedUrl": code.url}))
}

fn success() -> Answer {
    Reply::ok(&json!({"success": true}))
}

fn booking_id(text: &str) -> Result<BookingId> {
    path_id(text, "booking_not_found", "booking").map(BookingId)
}

fn window(start: Moment, end: Moment) -> Result<Window> {
    Window::new(start.0, end.0).ok_or_else(|| Problem::senseless("endTime is not after startTime"))
}

fn order(call: &Call) -> Result<Order> {
    match call.query("sort")?.as_deref() {
        None | Some("bookingTime") => (),
        Some(other) => return Err(Problem::senseless(format!("sort is bookingTime, not {other}"))),
    }
    match call.query("order")?.as_deref() {
        None | Some("desc") => Ok(Order::Descending),
        Some("asc") => Ok(Order::Ascending),
        Some(other) => Err(Problem::senseless(format!("order is asc or desc, not {other}"))),
    }
}

fn page_size(call: &Call) -> Result<usize> {
    let Some(text) = call.query("size")? else { return Ok(PAGE_DEFAULT) };
    let size: i64 = text.parse().map_err(|_| Problem::malformed(format!("size is not a number: {text}")))?;
    match size {
        1.. => Ok(usize::try_from(size).unwrap_or(PAGE_MAX).min(PAGE_MAX)),
        _ => Err(Problem::senseless("size is at least 1")),
    }
}

/// The seed's words.
fn status(state: &BookingState) -> &'static str {
    match state {
        BookingState::Confirmed | BookingState::Ready { .. } => "BOOKING",
        BookingState::NoShow { .. } => "NO-SHOW",
        BookingState::Used { .. } => "USED",
        BookingState::Cancelled { .. } | BookingState::Expired { .. } | BookingState::Rejected { .. } => {
            "CANCELED"
        }
        // S0 has no word for what waits; it has, or will have, its places.
        BookingState::Held { .. } | BookingState::Queued { .. } => "BOOKING",
    }
}
