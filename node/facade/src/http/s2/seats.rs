//! `GET /seats/list/{eventId}` and `GET /seats/get/{id}`: seats as this seed shows them.

use axum::extract::State;
use holdfast_reservations::{BookingState, PoolId, ResourceId, SeatState, SlotId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::reader;
use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::seat_id::{seat_id, seat_of};
use crate::http::{Answer, Call, LongList, Reply};
use crate::openapi::words;
use crate::problem::Problem;
use crate::service::{SeatView, SeatWithHolder, SeatsOfEvent, Service};

/// How far a seat has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Available,
    OnHold,
    Reserved,
}

/// A seat of this seed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S2Seat)]
pub(crate) struct SeatBody {
    pub(super) id: String,
    /// Where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_id: Option<String>,
    pub(super) performance_id: String,
    pub(super) seat_number: String,
    /// Empty when nobody has it.
    #[serde(rename = "UUID")]
    pub(super) uuid: String,
    #[schema(schema_with = words::s2_seat_status)]
    pub(super) status: &'static str,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::OnHold => "On hold",
            Self::Reserved => "Reserved",
        }
    }

    /// Of the seats of a booking.
    pub(super) fn in_booking(state: &BookingState) -> Self {
        match state {
            BookingState::Held { .. } => Self::OnHold,
            BookingState::Confirmed
            | BookingState::Ready { .. }
            | BookingState::Used { .. }
            | BookingState::NoShow { is_released: false, .. } => Self::Reserved,
            BookingState::Cancelled { .. }
            | BookingState::Expired { .. }
            | BookingState::Queued { .. }
            | BookingState::Rejected { .. }
            | BookingState::NoShow { is_released: true, .. } => Self::Available,
        }
    }

    pub(super) fn of(seat: &SeatView) -> Self {
        seat.booking.as_ref().map_or(Self::Available, |(_, booking)| Self::in_booking(&booking.state))
    }
}

pub(super) async fn list(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let reader = reader(&service, &call, Endpoint::ReadCatalog).await?;
    let id = path_id(&id, "event_not_found", "event").map(ResourceId)?;
    let read = service.seats_of_event(reader, id).await?;
    let offer = &read.value;
    let states = offer.pools.iter().flat_map(|seats| &seats.states);
    let total = states.filter(|state| **state == SeatState::Available).count();
    let event = json!({"id": offer.id.0.to_string(), "name": offer.event.name});
    let before = format!(r#"{{"event":{event},"total":{total},"seats":["#);
    let frame = LongList { before, after: "]}", len: total };
    Reply::list(&service, call.context.deadline, read, frame, |offer| Box::new(available(offer))).await
}

pub(super) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let reader = reader(&service, &call, Endpoint::ReadCatalog).await?;
    let id = path_id(&id, "seat_not_found", "seat")?;
    let (pool, number) = seat_of(id).ok_or_else(|| seat_not_found(id))?;
    let read = service.seat_with_holder(reader, pool, number).await?;
    let found = read.value.ok_or_else(|| seat_not_found(id))?;
    let read = holdfast_raft::Read { value: found, index: read.index, age: read.age };
    Reply::read(read, |found| shown(&found))
}

pub(super) fn seat_not_found(id: u64) -> Problem {
    Problem::not_found("seat_not_found", format!("seat {id}"))
}

fn shown(found: &SeatWithHolder) -> SeatBody {
    let SeatWithHolder { seat, holder } = found;
    SeatBody {
        id: seat_id(seat.pool, seat.number).to_string(),
        event_id: Some(seat.slot.resource.0.to_string()),
        performance_id: seat.slot_id.0.to_string(),
        seat_number: seat.label.clone(),
        uuid: holder.clone().unwrap_or_default(),
        status: Status::of(seat).name(),
    }
}

/// The seats nobody has, in the order of their numbers.
fn available(offer: &SeatsOfEvent) -> impl Iterator<Item = SeatBody> {
    offer.pools.iter().flat_map(|seats| {
        let free = seats.each().filter(|(_, state)| *state == SeatState::Available);
        free.map(|(seat, _)| free_seat(offer.id, seats.slot_id, seats.pool, seat.number, seat.label))
    })
}

fn free_seat(event: ResourceId, slot: SlotId, pool: PoolId, number: u32, label: String) -> SeatBody {
    SeatBody {
        id: seat_id(pool, number).to_string(),
        event_id: Some(event.0.to_string()),
        performance_id: slot.0.to_string(),
        seat_number: label,
        uuid: String::new(),
        status: Status::Available.name(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use holdfast_reservations::{
        BookedSeat, Booking, BookingId, Millis, Resource, ResourceKind, ResourceStatus, Revision, SeatPlan,
        Seats, Slot, SlotStatus, Timestamp, UserId, VenueId, Window,
    };

    use super::*;
    use crate::service::SeatsOf;

    pub(in crate::http::s2) const HELD: BookingState =
        BookingState::Held { expires_at: Timestamp(70_000), duration: Millis(60_000) };

    fn slot() -> Arc<Slot> {
        let window = Window::new(Timestamp(1), Timestamp(2)).unwrap();
        Arc::new(Slot { resource: ResourceId(7), window, status: SlotStatus::Open, pools: Vec::new() })
    }

    /// Booking 4, of user 9, of the second seat of pool 3.
    pub(in crate::http::s2) fn booking(state: BookingState) -> Booking {
        Booking {
            slot: SlotId(5),
            pool: PoolId(3),
            user: UserId(9),
            booked_by: UserId(9),
            count: 1,
            seats: vec![BookedSeat { number: 1, label: "2".to_owned() }],
            state,
            version: 1,
            booked_at: Timestamp(10_000),
            revision: Revision { index: 1, ordinal: 0 },
            payment: None,
        }
    }

    /// The second seat of pool 3, in booking 4 of user 9 if it is in one.
    pub(in crate::http::s2) fn seat(state: Option<BookingState>) -> SeatView {
        let booking = state.map(|state| (BookingId(4), Arc::new(booking(state))));
        let label = "2".to_owned();
        SeatView { slot_id: SlotId(5), slot: slot(), pool: PoolId(3), number: 1, label, booking }
    }

    #[test]
    fn a_seat_says_whose_it_is() {
        let shown = |state, holder: Option<&str>| {
            let found = SeatWithHolder { seat: seat(state), holder: holder.map(str::to_owned) };
            serde_json::to_value(shown(&found)).unwrap()
        };
        let expected = |uuid: &str, status: &str| {
            let id = (3 * 131_072 + 1).to_string();
            json!({"id": id, "eventId": "7", "performanceId": "5", "seatNumber": "2", "UUID": uuid, "status": status})
        };
        assert_eq!(shown(None, None), expected("", "Available"));
        assert_eq!(shown(Some(HELD), Some("4fd1")), expected("4fd1", "On hold"));
        assert_eq!(shown(Some(BookingState::Confirmed), Some("9")), expected("9", "Reserved"));
    }

    #[test]
    fn only_free_seats_are_listed_in_the_order_of_their_numbers() {
        let plan = SeatPlan::numbered(12).unwrap();
        let mut states = vec![SeatState::Available; 12];
        (states[1], states[2]) = (SeatState::Held, SeatState::Sold);
        let seats = Arc::new(Seats { slot: SlotId(5), plan });
        let pools = vec![SeatsOf { slot_id: SlotId(5), slot: slot(), pool: PoolId(3), seats, states }];
        let event = Arc::new(Resource {
            venue: VenueId(1),
            kind: ResourceKind::Event,
            name: "Match".to_owned(),
            description: String::new(),
            owner: None,
            status: ResourceStatus::Offered,
        });
        let offer = SeatsOfEvent { id: ResourceId(7), event, pools };
        let listed: Vec<SeatBody> = available(&offer).collect();
        let numbers: Vec<&str> = listed.iter().map(|seat| seat.seat_number.as_str()).collect();
        assert_eq!(numbers, ["1", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
        assert!(listed.iter().all(|seat| seat.status == "Available" && seat.uuid.is_empty()));
        assert_eq!(listed[1].id, (3 * 131_072 + 3).to_string());
    }
}
