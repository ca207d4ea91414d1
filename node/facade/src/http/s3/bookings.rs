//! `/event/{id}/booking` and `/booking/{id}`: tried when its turn comes, then paid, cancelled, or over.

use axum::extract::State;
use holdfast_reservations::{
    Booking, BookingId, BookingState, Command, Confirm, Enqueue, JobCommand, Paid, Promise, RequestId,
    RequestKey, SeatState, SlotName, Void,
};
use serde_json::json;

use super::events::event_id;
use super::fields::{Fields, wrong_field};
use super::ticket_types::{TicketBody, ticket_status};
use super::wishes::wish_from;
use super::{asked, caller};
use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::seat_id::seat_id;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{NO_SLOT, Service, TOO_MANY_TICKETS, wait_end};

pub(super) async fn book(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = caller(&service, &call, Endpoint::Book).await?;
    let event = event_id(&id)?;
    let wish = wish_from(Fields::of(&call)?)?;
    let wanted = service.reserve_of_event(&caller, event, &wish, &call.context).await.map_err(too_many)?;
    if caller.known().is_none() && wanted.slot == SlotName::Id(NO_SLOT) {
        // The rules would refuse it, but nobody is made known for that.
        return Err(not_sold(&id));
    }
    let caller = service.introduce(caller, call.context.deadline).await?;
    let (command, promise) = (JobCommand::Reserve(wanted), Promise::Booking);
    let enqueue = Enqueue { command, priority: 0, not_before: None, promise };
    let accepted = service.enqueue(caller, enqueue, &call.context).await;
    let accepted = accepted.map_err(|problem| if problem.status == 404 { not_sold(&id) } else { problem })?;
    let accepted = accepted.into_job()?;
    let booking = accepted.job.booking;
    let booking = booking.ok_or_else(|| Problem::new(500, "internal", "no booking was promised"))?;
    let path = format!("/booking/{}/status", booking.0);
    Ok(Reply::created(&json!({"booking_id": booking.0.to_string()}))?.at(path))
}

pub(super) async fn status(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = asked(&service, &call, Endpoint::ReadBookings).await?;
    let (id, wait) = (booking_id(&id)?, call.preferred_wait()?);
    let asked = asked.ok_or_else(|| not_his(id))?;
    let mut read = service.booking(asked, id).await?;
    if let (BookingState::Queued { job }, Some(wait)) = (read.value.state, wait) {
        let until = wait_end(wait, call.context.deadline);
        match service.await_job(asked, job, until).await {
            // What became of it may be forgotten by now; the booking is not.
            Err(problem) if problem.status != 404 => return Err(problem),
            Ok(_) | Err(_) => read = service.booking(asked, id).await?,
        }
    }
    Reply::read(
        read,
        |booking| json!({"booking_id": id.0.to_string(), "booking_status": status_name(&booking.state)}),
    )
}

pub(super) async fn tickets(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = asked(&service, &call, Endpoint::ReadBookings).await?;
    let id = booking_id(&id)?;
    let read = service.booking(asked.ok_or_else(|| not_his(id))?, id).await?;
    Reply::read(read, |booking| ticket_bodies(&booking))
}

pub(super) async fn pay(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = caller(&service, &call, Endpoint::Pay).await?;
    let booking = booking_id(&id)?;
    let caller = caller.known().ok_or_else(|| not_his(booking))?;
    let paid = Some(Paid { reference: reference_of(booking, call.context.id), price: None });
    let confirm = Command::Confirm(Confirm { booking, expected_version: None, part: None, paid });
    match service.change_booking(caller, confirm, &call.context).await {
        Ok(_) => changed(booking),
        // The seed takes a payment that comes too late, and the booking says what became of it.
        Err(problem) if matches!(problem.code, "hold_expired" | "places_gone") => changed(booking),
        Err(problem) => Err(problem),
    }
}

pub(super) async fn cancel(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = caller(&service, &call, Endpoint::CancelBooking).await?;
    let booking = booking_id(&id)?;
    let caller = caller.known().ok_or_else(|| not_his(booking))?;
    let void = Command::Void(Void { booking, expected_version: None });
    service.change_booking(caller, void, &call.context).await?;
    changed(booking)
}

fn changed(id: BookingId) -> Answer {
    Reply::ok(&json!({"booking_id": id.0.to_string()}))
}

fn booking_id(text: &str) -> Result<BookingId> {
    path_id(text, "booking_not_found", "booking").map(BookingId)
}

fn too_many(problem: Problem) -> Problem {
    match problem.code {
        TOO_MANY_TICKETS => wrong_field("quantity", &problem.detail),
        _ => problem,
    }
}

/// No booking is of somebody who is new.
fn not_his(id: BookingId) -> Problem {
    Problem::not_found("booking_not_found", id)
}

fn not_sold(event: &str) -> Problem {
    Problem::not_found("ticket_type_not_found", format!("such type of tickets of event {event}"))
}

/// What a payment is called that has no name of its own: that of the call that brought it.
fn reference_of(booking: BookingId, call: RequestId) -> String {
    let (RequestKey::Made(key) | RequestKey::Uuid(key) | RequestKey::Named(key)) = call.key;
    format!("s3-{}-{:032x}", booking.0, u128::from_be_bytes(key))
}

/// The seed's words.
fn status_name(state: &BookingState) -> &'static str {
    match state {
        BookingState::Queued { .. } => "InProcess",
        BookingState::Held { .. } => "PaymentPending",
        BookingState::Confirmed
        | BookingState::Ready { .. }
        | BookingState::Used { .. }
        | BookingState::NoShow { .. } => "Confirmed",
        BookingState::Rejected { .. } | BookingState::Expired { .. } => "Rejected",
        BookingState::Cancelled { .. } => "Canceled",
    }
}

/// The tickets a booking has. What it had is somebody else's, or nobody's.
fn ticket_bodies(booking: &Booking) -> Vec<TicketBody> {
    let state = match booking.state {
        BookingState::Held { .. } => SeatState::Held,
        BookingState::Confirmed
        | BookingState::Ready { .. }
        | BookingState::Used { .. }
        | BookingState::NoShow { is_released: false, .. } => SeatState::Sold,
        BookingState::Cancelled { .. }
        | BookingState::Expired { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. }
        | BookingState::NoShow { is_released: true, .. } => return Vec::new(),
    };
    let bodies = booking.seats.iter().map(|seat| TicketBody {
        ticket_id: seat_id(booking.pool, seat.number).to_string(),
        name: seat.label.clone(),
        ticket_type_id: booking.pool.0.to_string(),
        ticket_status: ticket_status(state),
    });
    bodies.collect()
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{BookedSeat, JobId, Millis, PoolId, Revision, SlotId, Timestamp, UserId};

    use super::*;

    fn booking(state: BookingState) -> Booking {
        Booking {
            slot: SlotId(1),
            pool: PoolId(3),
            user: UserId(2),
            booked_by: UserId(2),
            count: 1,
            seats: vec![BookedSeat { number: 2, label: "A3".into() }],
            state,
            version: 1,
            booked_at: Timestamp(0),
            revision: Revision { index: 1, ordinal: 0 },
            payment: None,
        }
    }

    #[test]
    fn a_booking_has_the_seeds_words_and_its_tickets_while_they_are_its_own() {
        let at = Timestamp(1);
        let held = BookingState::Held { expires_at: at, duration: Millis(1) };
        let used = BookingState::Used { at, by: UserId(1), scanned_at: None };
        for (state, status, ticket) in [
            (BookingState::Queued { job: JobId(1) }, "InProcess", None),
            (held, "PaymentPending", Some("Reserved")),
            (BookingState::Confirmed, "Confirmed", Some("Booked")),
            (BookingState::Ready { since: at }, "Confirmed", Some("Booked")),
            (used, "Confirmed", Some("Booked")),
            (BookingState::NoShow { at, is_released: false }, "Confirmed", Some("Booked")),
            (BookingState::NoShow { at, is_released: true }, "Confirmed", None),
            (BookingState::Rejected { at }, "Rejected", None),
            (BookingState::Expired { at }, "Rejected", None),
            (BookingState::Cancelled { at }, "Canceled", None),
        ] {
            assert_eq!(status_name(&state), status);
            let shown = serde_json::to_value(ticket_bodies(&booking(state))).unwrap();
            let ticket = ticket.map(|status| {
                let id = seat_id(PoolId(3), 2).to_string();
                json!({"ticket_id": id, "name": "A3", "ticket_type_id": "3", "ticket_status": status})
            });
            assert_eq!(shown, json!(Vec::from_iter(ticket)));
        }
    }

    #[test]
    fn a_payment_is_named_by_its_booking_and_call() {
        let call = |key| RequestId { key, payload_hash: 7 };
        let first = reference_of(BookingId(5), call(RequestKey::Named([1; 16])));
        assert_eq!(first, "s3-5-01010101010101010101010101010101");
        assert_ne!(first, reference_of(BookingId(6), call(RequestKey::Named([1; 16]))));
        assert_ne!(first, reference_of(BookingId(5), call(RequestKey::Named([2; 16]))));
    }
}
