//! `/v1/bookings`.

pub(crate) mod bodies;
pub(crate) mod pay;

use axum::extract::State;
use holdfast_reservations::{
    Booking, BookingId, Cancel, Command, Confirm, Dialect, Enqueue, Exchange, Extend, JobCommand, Millis,
    Modify, PoolId, Promise, SeatName, SlotChoice, SlotId, UserId,
};

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::bookings::bodies::{ConfirmBody, ExtendBody, ModifyBody};
use crate::http::v1::{ListBody, jobs};
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{BookingFilter, Caller, Service, Taken};
use crate::wire::{booking_body, count_from, hold_seconds_from, labels_from};

pub(super) use bodies::money_from;
pub(super) use pay::{settle, start_payment};

pub(crate) async fn book(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::Book).await?;
    let (wanted, options) = bodies::reserve_from(call.json()?)?;
    if let Some(not_before) = options.not_before {
        service.expect_before_end(caller, &wanted, not_before, &call.context)?;
    }
    if call.prefers_job() || options.is_delayed() {
        let (command, promise) = (JobCommand::Reserve(wanted), Promise::None);
        let (priority, not_before) = (options.priority, options.not_before);
        let enqueue = Enqueue { command, priority, not_before, promise };
        return jobs::accept(&service, &call, caller, enqueue).await;
    }
    match service.take(caller, Command::Reserve(wanted), &call.context).await? {
        Taken::Booking(id, booking, _) => booked(id, &booking),
        Taken::Job(view) => jobs::to_come(&view),
    }
}

pub(super) fn booked(id: BookingId, booking: &Booking) -> Answer {
    let path = format!("/v1/bookings/{}", id.0);
    Ok(Reply::created(&booking_body(id, booking))?.version(booking.version).at(path))
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
    let ModifyBody { slot_id, pool_id, count, seats } = call.json()?;
    if slot_id.is_none() && pool_id.is_none() && count.is_none() && seats.is_none() {
        return Err(Problem::senseless("nothing to change: give slotId, poolId, count or seats"));
    }
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let slot = slot_id.map(|id| SlotChoice::Id(SlotId(id.0)));
    let pool = pool_id.map(|id| PoolId(id.0));
    let command = match seats {
        Some(_) if count.is_some() => return Err(Problem::senseless("give count or seats, not both")),
        Some(labels) => {
            let seats = labels_from(labels)?.into_iter().map(SeatName::Label).collect();
            Command::Exchange(Exchange { booking, expected_version, slot, pool, seats })
        }
        None => {
            let count = count.map(count_from).transpose()?;
            Command::Modify(Modify { booking, expected_version, slot, pool, count })
        }
    };
    changed(&service, &call, caller, command).await
}

pub(crate) async fn confirm(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeBooking).await?;
    let body: ConfirmBody = call.json_if_any()?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let (part, paid) = bodies::confirm_from(body)?;
    changed(&service, &call, caller, Command::Confirm(Confirm { booking, expected_version, part, paid }))
        .await
}

pub(crate) async fn extend(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeBooking).await?;
    let body: ExtendBody = call.json_if_any()?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    let duration: Option<Millis> = body.hold_seconds.map(hold_seconds_from).transpose()?;
    let extend = Extend { booking, expected_version, duration, dialect: Dialect::Native };
    changed(&service, &call, caller, Command::Extend(extend)).await
}

pub(crate) async fn cancel(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CancelBooking).await?;
    let (booking, expected_version) = (booking_id(&id)?, call.expected_version()?);
    changed(&service, &call, caller, Command::Cancel(Cancel { booking, expected_version })).await
}

async fn changed(service: &Service, call: &Call, caller: Caller, command: Command) -> Answer {
    let (id, booking, _) = service.change_booking(caller, command, &call.context).await?;
    Ok(Reply::ok(&booking_body(id, &booking))?.version(booking.version))
}

fn booking_id(text: &str) -> Result<BookingId> {
    path_id(text, "booking_not_found", "booking").map(BookingId)
}
