//! `POST /events/create`: an event with so many seats, sold from now on.

use axum::extract::State;
use holdfast_reservations::{CreateEvent, Millis, NewPlaces, NewPool, NewSlot, SeatPlan, Timestamp, Window};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::{Named, Service};

/// Whose the events of callers are who say nothing of themselves.
const ORGANISER: &str = "s2-organiser";

/// Where all events of this seed are: it knows no venues.
const VENUE: &str = "Main venue";

const NAME_BYTES_MAX: usize = 200;

const SEATS_MIN: u64 = 10;
const SEATS_MAX: u64 = 10_000;

/// The seed knows no dates: what is created is on sale for ten years.
const SALE_DURATION: Millis = Millis::from_hours(10 * 365 * 24);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = S2NewEvent)]
pub(crate) struct CreateBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(minimum = 10, maximum = 10_000)]
    total_seats: i64,
}

pub(super) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let organiser = organiser(&service, &call).await?;
    let body: CreateBody = call.json()?;
    let (name, total_seats) = (body.name.clone(), body.total_seats);
    let event = event_from(body, service.now())?;
    let caller = service.introduce(organiser, call.context.deadline).await?;
    let (_, slot) = service.create_event_with_slot(caller, event, &call.context).await?;
    let id = slot.resource.0;
    let created = Reply::created(&json!({"id": id.to_string(), "name": name, "totalSeats": total_seats}))?;
    Ok(created.at(format!("/events/{id}")))
}

/// Where callers are believed, anybody makes events; otherwise those who work here.
async fn organiser(service: &Service, call: &Call) -> Result<Named> {
    if !service.trusts_declared_identity() {
        return call.caller(service, Endpoint::CreateSale).await.map(Named::Known);
    }
    // Whoever has a token is known by that.
    let alias = call.token()?.is_none().then_some(ORGANISER);
    call.named(service, Endpoint::ManageEvents, alias).await
}

fn event_from(body: CreateBody, now: Timestamp) -> Result<CreateEvent> {
    let CreateBody { name, total_seats } = body;
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Err(Problem::senseless(format!("name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    let senseless =
        || Problem::senseless(format!("totalSeats is from {SEATS_MIN} to {SEATS_MAX}, not {total_seats}"));
    let count = u64::try_from(total_seats).ok().filter(|count| (SEATS_MIN..=SEATS_MAX).contains(count));
    let plan = SeatPlan::numbered(count.ok_or_else(senseless)?).map_err(|_| senseless())?;
    let window = Window::new(now, now.plus(SALE_DURATION)).ok_or_else(senseless)?;
    let pools = vec![NewPool { name: "seats".to_owned(), places: NewPlaces::Seats(plan) }];
    let slot = Some(NewSlot { window, pools });
    Ok(CreateEvent { name, description: String::new(), venue: VENUE.to_owned(), slot })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, total_seats: i64) -> Result<CreateEvent> {
        event_from(CreateBody { name: name.to_owned(), total_seats }, Timestamp(1000))
    }

    #[test]
    fn an_event_is_on_sale_from_now_on_with_its_seats() {
        let made = event("Match", 10).unwrap();
        assert_eq!((made.name.as_str(), made.venue.as_str()), ("Match", "Main venue"));
        let slot = made.slot.unwrap();
        assert_eq!(slot.window.starts_at(), Timestamp(1000));
        assert_eq!(slot.window.ends_at().since(slot.window.starts_at()), SALE_DURATION);
        let plan = SeatPlan::numbered(10).unwrap();
        assert_eq!(slot.pools, [NewPool { name: "seats".to_owned(), places: NewPlaces::Seats(plan) }]);
    }

    #[test]
    fn an_event_has_ten_to_ten_thousand_seats_and_a_name() {
        let status = |name: &str, seats| event(name, seats).map_err(|problem| problem.status).err();
        assert_eq!((status("Match", 10), status("Match", 10_000)), (None, None));
        for seats in [i64::MIN, -10, 0, 9, 10_001, i64::MAX] {
            assert_eq!(status("Match", seats), Some(422), "{seats}");
        }
        assert_eq!((status("", 10), status(&"x".repeat(201), 10)), (Some(422), Some(422)));
    }

    #[test]
    fn what_is_no_such_body_is_malformed() {
        let read = |body: &str| serde_json::from_str::<CreateBody>(body).is_ok();
        assert!(read(r#"{"name":"Match","totalSeats":10,"color":"red"}"#));
        for refused in [
            r#"{"name":"Match"}"#,
            r#"{"totalSeats":10}"#,
            r#"{"name":7,"totalSeats":10}"#,
            r#"{"name":"Match","totalSeats":"10"}"#,
            r#"{"name":"Match","totalSeats":10.5}"#,
            r#"{"name":"Match","totalSeats":9223372036854775808}"#,
        ] {
            assert!(!read(refused), "{refused}");
        }
    }
}
