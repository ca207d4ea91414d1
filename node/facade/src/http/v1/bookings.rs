//! `/v1/bookings`.

use axum::extract::State;
use holdfast_reservations::{
    Book, BookingId, Cancel, CheckIn, Command, Modify, PoolId, SlotChoice, SlotId, SlotName, UserId,
};
use serde::Deserialize;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::ListBody;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{BookingFilter, Service};
use crate::wire::{Id, booking_body, count_from};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BookBody {
    slot_id: Id,
    pool_id: Option<Id>,
    #[serde(default = "one")]
    count: i64,
    user_id: Option<Id>,
}

fn one() -> i64 {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ModifyBody {
    slot_id: Option<Id>,
    pool_id: Option<Id>,
    count: Option<i64>,
}

pub(crate) async fn book(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::Book).await?;
    let command = Command::Book(book_from(call.json()?)?);
    let (id, booking, _) = service.change_booking(caller, command, &call.context).await?;
    Ok(Reply::created(&booking_body(id, &booking))?.version(booking.version))
}

fn book_from(body: BookBody) -> Result<Book> {
    Ok(Book {
        slot: SlotName::Id(SlotId(body.slot_id.0)),
        pool: body.pool_id.map(|id| PoolId(id.0)),
        count: count_from(body.count)?,
        user: body.user_id.map(|id| UserId(id.0)),
    })
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadBookings).await?;
    let id = booking_id(&id)?;
    let read = service.booking(asked, id).await?;
    let version = read.value.version;
    Ok(Reply::read(read, |booking| booking_body(id, &booking))?.version(version))
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadBookings).await?;
    let status = call.query("status")?;
    let filter = BookingFilter {
        user: call.query_id("userId")?.map(UserId),
        slot: call.query_id("slotId")?.map(SlotId),
        status: status.as_deref(),
    };
    let after = call.query_id("after")?.map(BookingId);
    let read = service.bookings(asked, filter, after, call.limit()?).await?;
    Reply::read(read, |page| ListBody {
        items: page.items.iter().map(|(id, booking)| booking_body(*id, booking)).collect(),
        next: page.next.map(|id| id.0),
    })
}

pub(crate) async fn modify(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeBooking).await?;
    let body: ModifyBody = call.json()?;
    if body.slot_id.is_none() && body.pool_id.is_none() && body.count.is_none() {
        return Err(Problem::senseless("nothing to change: give slotId, poolId or count"));
    }
    let command = Command::Modify(Modify {
        booking: booking_id(&id)?,
        expected_version: call.expected_version()?,
        slot: body.slot_id.map(|id| SlotChoice::Id(SlotId(id.0))),
        pool: body.pool_id.map(|id| PoolId(id.0)),
        count: body.count.map(count_from).transpose()?,
    });
    changed(&service, &call, caller, command).await
}

pub(crate) async fn cancel(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CancelBooking).await?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    changed(&service, &call, caller, Command::Cancel(Cancel { booking, expected_version })).await
}

pub(crate) async fn check_in(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CheckIn).await?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let command = Command::CheckIn(CheckIn { booking, expected_version, scanned_at: None });
    changed(&service, &call, caller, command).await
}

async fn changed(service: &Service, call: &Call, caller: crate::service::Caller, command: Command) -> Answer {
    let (id, booking, _) = service.change_booking(caller, command, &call.context).await?;
    Ok(Reply::ok(&booking_body(id, &booking))?.version(booking.version))
}

fn booking_id(text: &str) -> Result<BookingId> {
    path_id(text, "booking_not_found", "booking").map(BookingId)
}
