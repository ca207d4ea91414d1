//! Types of tickets, General and Named, and the tickets of a type.

use std::collections::BTreeMap;

use axum::extract::State;
use holdfast_reservations::{AddPools, Millis, NewPlaces, NewPool, PolicyField, PoolId, SeatState, Terms};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::events::event_id;
use super::fields::{Fields, wrong_field};
use super::host;
use super::new_types::{NewType, type_from};
use crate::http::path::Segment;
use crate::http::seat_id::seat_id;
use crate::http::{Answer, Call, LongList, Reply};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::{NO_SLOT, SeatsOf, Service, Tickets, no_event};
use crate::wire::id_in;

pub(super) const GENERAL: &str = "General";
pub(super) const NAMED: &str = "Named";

#[derive(Serialize, ToSchema)]
#[schema(as = S3NewTicket)]
pub(crate) struct NewTicket {
    ticket_id: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = S3Ticket)]
pub(crate) struct TicketBody {
    pub(super) ticket_id: String,
    pub(super) name: String,
    pub(super) ticket_type_id: String,
    #[schema(schema_with = words::s3_ticket_status)]
    pub(super) ticket_status: &'static str,
}

pub(super) async fn create(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let host = host(&service, &call).await?;
    let event = event_id(&id)?;
    let NewType { name, description, price, plan, labels, limit_seconds } = type_from(Fields::of(&call)?)?;
    let numbers: BTreeMap<String, u32> = plan.seats().map(|seat| (seat.label.clone(), seat.number)).collect();
    let limit = limit_seconds.map(|seconds| (PolicyField::HoldDuration, Millis::from_seconds(seconds).0));
    let terms = Terms { price, description, policy: limit.into_iter().collect() };
    let places = NewPlaces::OnTerms(Box::new(NewPlaces::Seats(plan)), terms);
    let slot = service.slot_to_sell(event, call.context.deadline).await?;
    let caller = match (host.known(), slot) {
        (Some(caller), _) => caller,
        // No event is of somebody who is new, and nobody is made known for that.
        (None, None) => return Err(no_event(event)),
        (None, Some(_)) => return Err(Problem::forbidden()),
    };
    let slot = slot.unwrap_or(NO_SLOT);
    let pools = AddPools { slot, pools: vec![NewPool { name, places }] };
    let added = service.add_pools(caller, pools, &call.context).await;
    let (_, slot) = added.map_err(|problem| if problem.status == 404 { no_event(event) } else { problem })?;
    // What was added is last, in the first answer and in that of a retry.
    let pool = slot.pools.last().map(|pool| pool.id).ok_or_else(|| no_event(event))?;
    let ticket = |name: String| {
        let number = numbers.get(&name).copied()?;
        Some(NewTicket { ticket_id: seat_id(pool, number).to_string(), name })
    };
    let tickets: Vec<NewTicket> = labels.into_iter().filter_map(ticket).collect();
    Reply::created(&json!({"ticket_type_id": pool.0.to_string(), "tickets": tickets}))
}

pub(super) async fn tickets(State(service): State<Service>, call: Call) -> Answer {
    let pool = type_asked(&call)?;
    let read = service.tickets(call.consistency()?, call.context.deadline, pool).await?;
    let len = match &read.value {
        Tickets::Numbered(seats) => seats.states.len(),
        Tickets::Counted => 0,
    };
    let frame = LongList { before: "[".to_owned(), after: "]", len };
    Reply::list(&service, call.context.deadline, read, frame, |tickets| match tickets {
        Tickets::Numbered(seats) => Box::new(ticket_bodies(seats)),
        Tickets::Counted => Box::new(std::iter::empty()),
    })
    .await
}

/// The seed's word for tickets that are all alike, and for those that are not.
pub(super) fn kind_name(is_general: bool) -> &'static str {
    if is_general { GENERAL } else { NAMED }
}

/// The seed's words.
pub(super) fn ticket_status(state: SeatState) -> &'static str {
    match state {
        SeatState::Available => "Available",
        SeatState::Held => "Reserved",
        SeatState::Sold => "Booked",
    }
}

fn ticket_bodies(seats: &SeatsOf) -> impl Iterator<Item = TicketBody> {
    let ticket_type_id = seats.pool.0.to_string();
    seats.each().map(move |(seat, state)| TicketBody {
        ticket_id: seat_id(seats.pool, seat.number).to_string(),
        name: seat.label,
        ticket_type_id: ticket_type_id.clone(),
        ticket_status: ticket_status(state),
    })
}

fn type_asked(call: &Call) -> Result<PoolId> {
    let text = call.query("ticket_type_id")?.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| wrong_field("ticket_type_id", "is missing"))?;
    let id = id_in(&text).map(PoolId);
    id.ok_or_else(|| Problem::not_found("ticket_type_not_found", format!("ticket type {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_has_the_seeds_words() {
        let words = [SeatState::Available, SeatState::Held, SeatState::Sold].map(ticket_status);
        assert_eq!(words, ["Available", "Reserved", "Booked"]);
        assert_eq!((kind_name(true), kind_name(false)), ("General", "Named"));
    }
}
