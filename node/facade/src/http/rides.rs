//! Seed S0, FastPass: six endpoints under `/rides`. A slot is named by its ride, start and end, never by its id.

use axum::extract::State;
use holdfast_reservations::{
    Book, BookingId, BookingState, Cancel, CheckIn, Command, Modify, Order, ResourceId, SlotChoice, SlotName,
    Window,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::{Id, Moment, count_from, instant, whole_second};

/// Bookings of one page of the history.
const PAGE_MAX: usize = 100;
const PAGE_DEFAULT: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookBody {
    ride_id: Id,
    cnt: i64,
    start_time: Moment,
    end_time: Moment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBody {
    cnt: i64,
    start_time: Moment,
    end_time: Moment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CheckInBody {
    status: String,
    check_in_time: Moment,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryRow {
    booking_id: u64,
    booking_time: String,
    ride_id: u64,
    cnt: u32,
    start_time: String,
    end_time: String,
    status: &'static str,
}

pub(crate) async fn book(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::Book).await?;
    let body: BookBody = call.json()?;
    let slot = SlotName::Window(ResourceId(body.ride_id.0), window(body.start_time, body.end_time)?);
    let command = Command::Book(Book { slot, pool: None, count: count_from(body.cnt)?, user: None });
    let (id, booking, _) = service.change_booking(caller, command, &call.context).await?;
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
    let id = booking_id(&id)?;
    let booking = service.booking(asked, id).await?;
    match booking.value.state {
        BookingState::Confirmed => (),
        BookingState::Used { .. } => return Err(Problem::new(409, "already_used", "the party was admitted")),
        BookingState::Cancelled { .. } => {
            return Err(Problem::new(409, "already_cancelled", "the booking was cancelled"));
        }
    }
    let url = format!("{}{}", service.public_url(), service.codes().path(id, service.now())?);
    Reply::read(booking, |_| json!({"s3PresignedUrl": url}))
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
        BookingState::Confirmed => "BOOKING",
        BookingState::Used { .. } => "USED",
        BookingState::Cancelled { .. } => "CANCELED",
    }
}
