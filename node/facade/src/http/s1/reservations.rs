//! `/reservations`: a seat is held, then paid or given back.

use axum::extract::State;
use holdfast_reservations::{
    BookingId, Command, Confirm, Dialect, HoldTerms, Paid, Places, RequestId, RequestKey, Reserve, SeatName,
    SlotName, Void,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::reservation_body;
use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::seat_id::seat_of;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{BookingFilter, Caller, Service};
use crate::wire::Id;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S1NewReservation)]
pub(crate) struct ReserveBody {
    seat_id: Id,
}

pub(super) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::Book).await?;
    let body: ReserveBody = call.json()?;
    let wanted = reserve_from(body.seat_id)?;
    let (id, booking, _) = service.reserve(caller, wanted, &call.context).await?;
    let path = format!("/reservations/{}", id.0);
    Ok(Reply::created(&reservation_body(id, &booking))?.version(booking.version).at(path))
}

pub(super) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadBookings).await?;
    let id = reservation_id(&id)?;
    let read = service.booking(asked, id).await?;
    let version = read.value.version;
    Ok(Reply::read(read, |booking| reservation_body(id, &booking))?.version(version))
}

/// The caller's own, newest first.
pub(super) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadBookings).await?;
    let filter = BookingFilter { user: Some(asked.caller.user), ..BookingFilter::default() };
    let after = call.query_id("after")?.map(BookingId);
    let read = service.bookings(asked, filter, after, call.limit()?).await?;
    Reply::read(read, |page| {
        page.items.iter().map(|(id, booking)| reservation_body(*id, booking)).collect::<Vec<_>>()
    })
}

/// The caller has paid.
pub(super) async fn confirm(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeBooking).await?;
    let (booking, expected_version) = (reservation_id(&id)?, call.expected_version()?);
    let paid = Some(Paid { reference: reference(booking, call.context.id), price: None });
    let command = Command::Confirm(Confirm { booking, expected_version, part: None, paid });
    changed(&service, &call, caller, command).await
}

pub(super) async fn cancel(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeBooking).await?;
    let (booking, expected_version) = (reservation_id(&id)?, call.expected_version()?);
    changed(&service, &call, caller, Command::Void(Void { booking, expected_version })).await
}

async fn changed(service: &Service, call: &Call, caller: Caller, command: Command) -> Answer {
    let (id, booking, _) = service.change_booking(caller, command, &call.context).await?;
    Ok(Reply::ok(&reservation_body(id, &booking))?.version(booking.version))
}

fn reservation_id(text: &str) -> Result<BookingId> {
    path_id(text, "booking_not_found", "reservation").map(BookingId)
}

fn reserve_from(seat: Id) -> Result<Reserve> {
    let missing = || Problem::not_found("seat_not_found", format!("seat {}", seat.0));
    let (pool, number) = seat_of(seat.0).ok_or_else(missing)?;
    Ok(Reserve {
        slot: SlotName::OfPool(pool),
        pool: None,
        places: Places::Seats(vec![SeatName::Number(number)]),
        hold: Some(HoldTerms { duration: None, dialect: Dialect::S1 }),
        user: None,
    })
}

/// What a payment is called that S1 says nothing of: the same for every retry of a call, another for every other call, so that
/// paying twice is refused.
fn reference(booking: BookingId, id: RequestId) -> String {
    let (RequestKey::Made(key) | RequestKey::Uuid(key) | RequestKey::Named(key)) = id.key;
    format!("s1-{}-{:032x}", booking.0, u128::from_be_bytes(key))
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::PoolId;

    use super::*;

    #[test]
    fn a_seat_is_held_by_its_number_in_its_pool() {
        let read = |json: &str| serde_json::from_str::<ReserveBody>(json).ok().map(|body| body.seat_id);
        for json in [r#"{"seatId":262147}"#, r#"{"seatId":"262147","note":"please"}"#] {
            let reserve = reserve_from(read(json).unwrap()).unwrap();
            assert_eq!(reserve.slot, SlotName::OfPool(PoolId(2)));
            assert_eq!(reserve.places, Places::Seats(vec![SeatName::Number(3)]));
            assert_eq!(reserve.hold, Some(HoldTerms { duration: None, dialect: Dialect::S1 }));
        }
        for json in ["{}", r#"{"seatId":true}"#, r#"{"seatId":null}"#, r#"{"seatId":"A-1"}"#, "[]"] {
            assert_eq!(read(json), None, "{json}");
        }
        let problem = reserve_from(read(r#"{"seatId":-1}"#).unwrap()).unwrap_err();
        assert_eq!((problem.status, problem.code), (404, "seat_not_found"));
    }

    #[test]
    fn a_payment_is_named_by_the_call_that_says_it_was_made() {
        let named = |byte| RequestId { key: RequestKey::Named([byte; 16]), payload_hash: 1 };
        let retried = RequestId { payload_hash: 2, ..named(7) };
        assert_eq!(reference(BookingId(5), named(7)), reference(BookingId(5), retried));
        assert_ne!(reference(BookingId(5), named(7)), reference(BookingId(5), named(8)));
        assert_ne!(reference(BookingId(5), named(7)), reference(BookingId(6), named(7)));
    }
}
