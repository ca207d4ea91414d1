//! What S1 shows: ids as digits in a text, and one word for each state.

use holdfast_reservations::{
    Booking, BookingId, BookingState, Payment, PaymentState, PoolId, Resource, ResourceId, Seat, SeatState,
    SlotId, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::seat_id::seat_id;
use crate::openapi::words;
use crate::service::s1::{EventView, PerformanceView};
use crate::wire::{deadline_of, instant};

/// An event by itself. S2 calls its title a name.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1Event)]
pub(crate) struct EventBody {
    id: String,
    title: String,
    name: String,
    description: Option<String>,
    user_id: Option<String>,
}

/// An event with what it offers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1Offer)]
pub(crate) struct OfferBody {
    #[serde(flatten)]
    event: EventBody,
    total_seats: u64,
    available_seats: u64,
    performances: Vec<PerformanceBody>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1Performance)]
pub(crate) struct PerformanceBody {
    id: String,
    event_id: String,
    #[schema(format = DateTime)]
    start_at: String,
    #[schema(format = DateTime)]
    end_at: String,
    total_seats: u64,
    available_seats: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventBody>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1Seat)]
pub(crate) struct SeatBody {
    id: String,
    performance_id: String,
    seat_number: String,
    #[schema(schema_with = words::s1_seat_status)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_category: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1Reservation)]
pub(crate) struct ReservationBody {
    id: String,
    user_id: String,
    performance_id: String,
    /// The first of several; `None` where places are only counted.
    seat_id: Option<String>,
    #[schema(schema_with = words::s1_reservation_status)]
    status: &'static str,
    #[schema(format = DateTime)]
    reserved_at: String,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    paid_at: Option<String>,
    version: u32,
}

pub(super) fn event_body(id: ResourceId, resource: Resource) -> EventBody {
    let Resource { name, description, owner, .. } = resource;
    EventBody {
        id: id.0.to_string(),
        title: name.clone(),
        name,
        description: Some(description).filter(|description| !description.is_empty()),
        user_id: owner.map(|owner| owner.0.to_string()),
    }
}

pub(super) fn offer_body(view: EventView) -> OfferBody {
    let EventView { id, resource, performances } = view;
    OfferBody {
        event: event_body(id, resource),
        total_seats: performances.iter().map(PerformanceView::total).sum(),
        available_seats: performances.iter().map(|performance| performance.available).sum(),
        performances: performances.iter().map(performance_body).collect(),
    }
}

pub(super) fn performance_body(view: &PerformanceView) -> PerformanceBody {
    let PerformanceView { id, slot, available } = view;
    PerformanceBody {
        id: id.0.to_string(),
        event_id: slot.resource.0.to_string(),
        start_at: instant(slot.window.starts_at()),
        end_at: instant(slot.window.ends_at()),
        total_seats: view.total(),
        available_seats: *available,
        event: None,
    }
}

/// A performance with its event.
pub(super) fn performance_with(view: &PerformanceView, event: Resource) -> PerformanceBody {
    let event = Some(event_body(view.slot.resource, event));
    PerformanceBody { event, ..performance_body(view) }
}

pub(super) fn seat_body(performance: SlotId, pool: PoolId, seat: Seat<'_>, state: SeatState) -> SeatBody {
    SeatBody {
        id: seat_id(pool, seat.number).to_string(),
        performance_id: performance.0.to_string(),
        status: seat_word(state),
        section: seat.section.map(str::to_owned),
        row: seat.row.map(str::to_owned),
        price_category: seat.price_category.map(str::to_owned),
        seat_number: seat.label,
    }
}

pub(super) fn reservation_body(id: BookingId, booking: &Booking) -> ReservationBody {
    let seat = booking.seats.first().map(|seat| seat_id(booking.pool, seat.number).to_string());
    ReservationBody {
        id: id.0.to_string(),
        user_id: booking.user.0.to_string(),
        performance_id: booking.slot.0.to_string(),
        seat_id: seat,
        status: reservation_word(&booking.state),
        reserved_at: instant(booking.booked_at),
        expires_at: deadline_of(booking).map(instant),
        paid_at: booking.payment.as_ref().and_then(paid_at).map(instant),
        version: booking.version,
    }
}

/// S1's word for the state of a seat.
pub(super) fn seat_word(state: SeatState) -> &'static str {
    match state {
        SeatState::Available => "AVAILABLE",
        SeatState::Held => "HELD",
        SeatState::Sold => "OCCUPIED",
    }
}

/// S1's word for how far a reservation has come. It has none for what waits for its turn: it is not paid yet.
fn reservation_word(state: &BookingState) -> &'static str {
    match state {
        BookingState::Held { .. } | BookingState::Queued { .. } => "PENDING",
        // Who has not come has paid all the same.
        BookingState::Confirmed
        | BookingState::Ready { .. }
        | BookingState::Used { .. }
        | BookingState::NoShow { .. } => "CONFIRMED",
        BookingState::Cancelled { .. } | BookingState::Expired { .. } | BookingState::Rejected { .. } => {
            "CANCELLED"
        }
    }
}

fn paid_at(payment: &Payment) -> Option<Timestamp> {
    match payment.state {
        PaymentState::Paid { at } => Some(at),
        PaymentState::Pending | PaymentState::Failed { .. } | PaymentState::Refused { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{
        BookedSeat, JobId, Millis, Pool, PoolKind, ResourceKind, ResourceStatus, Revision, SeatPlan, Slot,
        SlotStatus, UserId, VenueId, Window,
    };
    use serde_json::{json, to_value};

    use super::*;

    fn concert(description: &str, owner: Option<UserId>) -> Resource {
        Resource {
            venue: VenueId(1),
            kind: ResourceKind::Event,
            name: "Concert".into(),
            description: description.into(),
            owner,
            status: ResourceStatus::Offered,
        }
    }

    fn performance(id: u64, available: u64) -> PerformanceView {
        let pool = |id, kind| Pool {
            id: PoolId(id),
            name: "seats".into(),
            kind,
            price: None,
            description: String::new(),
        };
        let pools =
            vec![pool(1, PoolKind::Seats { capacity: 3 }), pool(2, PoolKind::Counter { capacity: 2 })];
        let window = Window::new(Timestamp(0), Timestamp(10_800_000)).unwrap();
        let slot = Slot { resource: ResourceId(5), window, status: SlotStatus::Open, pools };
        PerformanceView { id: SlotId(id), slot, available }
    }

    fn reservation(state: BookingState, seats: Vec<BookedSeat>, payment: Option<Payment>) -> Booking {
        Booking {
            slot: SlotId(7),
            pool: PoolId(2),
            user: UserId(3),
            booked_by: UserId(3),
            count: 1,
            seats,
            state,
            version: 2,
            booked_at: Timestamp(1_000),
            revision: Revision { index: 9, ordinal: 0 },
            payment,
        }
    }

    #[test]
    fn an_event_has_the_names_of_both_seeds() {
        let body = to_value(event_body(ResourceId(5), concert("", None))).unwrap();
        let expected =
            json!({"id": "5", "title": "Concert", "name": "Concert", "description": null, "userId": null});
        assert_eq!(body, expected);
        let body = to_value(event_body(ResourceId(5), concert("Loud", Some(UserId(3))))).unwrap();
        assert_eq!((&body["description"], &body["userId"]), (&json!("Loud"), &json!("3")));
    }

    #[test]
    fn an_event_counts_the_seats_of_all_its_performances() {
        let (id, resource) = (ResourceId(5), concert("", None));
        let view = EventView { id, resource, performances: vec![performance(7, 4), performance(8, 5)] };
        let body = to_value(offer_body(view)).unwrap();
        assert_eq!((&body["totalSeats"], &body["availableSeats"]), (&json!(10), &json!(9)));
        let expected = json!({
            "id": "7", "eventId": "5", "startAt": "1970-01-01T00:00:00Z", "endAt": "1970-01-01T03:00:00Z",
            "totalSeats": 5, "availableSeats": 4,
        });
        assert_eq!(body["performances"][0], expected);
        let detail = to_value(performance_with(&performance(7, 4), concert("", None))).unwrap();
        assert_eq!(detail["event"]["title"], "Concert");
    }

    #[test]
    fn a_seat_has_its_label_for_a_number() {
        let plan = SeatPlan::numbered(10).unwrap();
        let seat = plan.seat(9).unwrap();
        let body = to_value(seat_body(SlotId(7), PoolId(1), seat, SeatState::Held)).unwrap();
        let expected = json!({"id": "131081", "performanceId": "7", "seatNumber": "10", "status": "HELD"});
        assert_eq!(body, expected);
    }

    #[test]
    fn a_reservation_is_written_as_the_seed_does() {
        let seats = vec![BookedSeat { number: 4, label: "5".into() }];
        let expires_at = Timestamp(601_000);
        let held = BookingState::Held { expires_at, duration: Millis::from_minutes(10) };
        let body =
            to_value(reservation_body(BookingId(11), &reservation(held, seats.clone(), None))).unwrap();
        let expected = json!({
            "id": "11", "userId": "3", "performanceId": "7", "seatId": "262148", "status": "PENDING",
            "reservedAt": "1970-01-01T00:00:01Z", "expiresAt": "1970-01-01T00:10:01Z", "paidAt": null, "version": 2,
        });
        assert_eq!(body, expected);

        let state = PaymentState::Paid { at: Timestamp(2_000) };
        let payment = Payment { reference: "s1-11".into(), price: None, state };
        let paid = reservation(BookingState::Confirmed, seats, Some(payment));
        let body = to_value(reservation_body(BookingId(11), &paid)).unwrap();
        assert_eq!((&body["status"], &body["expiresAt"]), (&json!("CONFIRMED"), &json!(null)));
        assert_eq!(body["paidAt"], "1970-01-01T00:00:02Z");
        let counted = reservation(BookingState::Confirmed, Vec::new(), None);
        assert_eq!(to_value(reservation_body(BookingId(11), &counted)).unwrap()["seatId"], json!(null));
    }

    #[test]
    fn each_state_has_its_word() {
        let (at, by) = (Timestamp(1), UserId(1));
        let words = [
            (BookingState::Queued { job: JobId(1) }, "PENDING"),
            (BookingState::Held { expires_at: at, duration: Millis(1) }, "PENDING"),
            (BookingState::Confirmed, "CONFIRMED"),
            (BookingState::Ready { since: at }, "CONFIRMED"),
            (BookingState::Used { at, by, scanned_at: None }, "CONFIRMED"),
            (BookingState::NoShow { at, is_released: true }, "CONFIRMED"),
            (BookingState::Cancelled { at }, "CANCELLED"),
            (BookingState::Expired { at }, "CANCELLED"),
            (BookingState::Rejected { at }, "CANCELLED"),
        ];
        for (state, word) in words {
            assert_eq!(reservation_word(&state), word);
        }
        let seats = [SeatState::Available, SeatState::Held, SeatState::Sold].map(seat_word);
        assert_eq!(seats, ["AVAILABLE", "HELD", "OCCUPIED"]);
    }
}
