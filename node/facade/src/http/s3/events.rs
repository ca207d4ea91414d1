//! `/event`.

use axum::extract::State;
use holdfast_reservations::{CreateEvent, NewSlot, ResourceId};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::days::{self, day_in, day_of, window_of};
use super::fields::{Fields, Wrong, wrong_field};
use super::host;
use super::prices::price_value;
use super::ticket_types::kind_name;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::{DatedEvent, Service, TypeOnSale};

pub(super) const NAME_BYTES_MAX: usize = 200;
pub(super) const DESCRIPTION_BYTES_MAX: usize = 2_000;

#[derive(Serialize, ToSchema)]
#[schema(as = S3Event)]
pub(crate) struct EventBody {
    event_id: String,
    name: String,
    description: String,
    #[schema(format = Date)]
    date: String,
    venue: String,
}

/// An event and one type of its tickets.
#[derive(Serialize, ToSchema)]
#[schema(as = S3TypeRow)]
pub(crate) struct TypeRow {
    #[serde(flatten)]
    event: EventBody,
    ticket_type_id: String,
    ticket_type: String,
    ticket_type_description: String,
    #[schema(schema_with = words::s3_seat_type)]
    seat_type: &'static str,
    quantity: u32,
    available: u32,
    reserved: u32,
    booked: u32,
    #[schema(value_type = Option<f64>)]
    price: Option<Value>,
    reservation_limit_in_seconds: Option<u64>,
}

/// An event as somebody describes it.
#[derive(Debug, PartialEq, Eq)]
struct NewEvent {
    name: String,
    description: String,
    day: Date,
    venue: String,
}

pub(super) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let host = host(&service, &call).await?;
    let works_here = host.known().is_some_and(|caller| caller.role.checks_in());
    if !service.trusts_declared_identity() && !works_here {
        return Err(Problem::forbidden());
    }
    let NewEvent { name, description, day, venue } = event_from(Fields::of(&call)?)?;
    let zone = service.zone_of_venue(&venue, call.context.deadline).await?;
    let window = window_of(day, &zone).ok_or_else(|| wrong_field("date", "expected a day from 1970 on"))?;
    let slot = Some(NewSlot { window, pools: Vec::new() });
    let event = CreateEvent { name, description, venue, slot };
    let caller = service.introduce(host, call.context.deadline).await?;
    let (_, slot) = service.create_event_with_slot(caller, event, &call.context).await?;
    let id = slot.resource.0;
    Ok(Reply::created(&json!({"event_id": id.to_string()}))?.at(format!("/event/{id}")))
}

pub(super) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let venue = call.query("venue")?.filter(|venue| !venue.is_empty());
    let (from, to) = days_asked(&call)?;
    let is_wanted = |event: &DatedEvent| {
        let day = day_of(event.starts_at, &event.venue.time_zone);
        day.is_some_and(|day| from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to))
    };
    let (consistency, deadline) = (call.consistency()?, call.context.deadline);
    let read = service.dated_events(consistency, deadline, venue.as_deref(), is_wanted).await?;
    Reply::read(read, |events| events.iter().map(event_body).collect::<Vec<_>>())
}

pub(super) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let (consistency, deadline) = (call.consistency()?, call.context.deadline);
    let read = service.types_on_sale(consistency, deadline, event_id(&id)?).await?;
    Reply::read(read, |types| types.iter().map(type_row).collect::<Vec<_>>())
}

pub(super) fn event_id(text: &str) -> Result<ResourceId> {
    path_id(text, "event_not_found", "event").map(ResourceId)
}

fn event_from(mut fields: Fields) -> Result<NewEvent> {
    let name = fields.text("name", NAME_BYTES_MAX);
    let description = fields.text_if_any("description", DESCRIPTION_BYTES_MAX);
    let date = fields.expect("date");
    let day = date.as_ref().and_then(Value::as_str).and_then(day_in);
    if date.is_some() && day.is_none() {
        fields.wrong.add("date", days::EXPECTED);
    }
    let venue = fields.text("venue", NAME_BYTES_MAX);
    fields.into_result(NewEvent { name, description, day: day.unwrap_or_default(), venue })
}

/// The first and the last day a caller asks for.
fn days_asked(call: &Call) -> Result<(Option<Date>, Option<Date>)> {
    let mut wrong = Wrong::default();
    let mut day = |name: &str| -> Result<Option<Date>> {
        let Some(text) = call.query(name)? else { return Ok(None) };
        let day = day_in(&text);
        if day.is_none() {
            wrong.add(name, days::EXPECTED);
        }
        Ok(day)
    };
    let days = (day("from")?, day("to")?);
    wrong.into_result(days)
}

fn event_body(event: &DatedEvent) -> EventBody {
    let day = day_of(event.starts_at, &event.venue.time_zone);
    EventBody {
        event_id: event.id.0.to_string(),
        name: event.resource.name.clone(),
        description: event.resource.description.clone(),
        date: day.map_or_else(String::new, |day| day.to_string()),
        venue: event.venue.name.clone(),
    }
}

fn type_row(on_sale: &TypeOnSale) -> TypeRow {
    let TypeOnSale { event, pool, counts, is_general, hold_duration } = on_sale;
    TypeRow {
        event: event_body(event),
        ticket_type_id: pool.id.0.to_string(),
        ticket_type: pool.name.clone(),
        ticket_type_description: pool.description.clone(),
        seat_type: kind_name(*is_general),
        quantity: counts.capacity,
        available: counts.available,
        reserved: counts.held,
        booked: counts.confirmed,
        price: pool.price.as_ref().map(price_value),
        reservation_limit_in_seconds: hold_duration.map(|duration| duration.div_ceil(1000)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use holdfast_reservations::{
        Money, Pool, PoolCounts, PoolId, PoolKind, Resource, ResourceKind, ResourceStatus, Venue, VenueId,
    };

    use super::*;
    use crate::http::s3::fields::fields_in;

    fn wrong(body: Value) -> Value {
        Value::Object(event_from(fields_in(body)).unwrap_err().extra)
    }

    #[test]
    fn an_event_is_whole_or_all_that_is_wrong_with_it_is_told() {
        let body = json!({"name": "Concert", "date": "2031-05-01", "venue": "Hall", "color": "red"});
        let event = event_from(fields_in(body)).unwrap();
        assert_eq!((event.name.as_str(), event.description.as_str()), ("Concert", ""));
        assert_eq!((event.day.to_string().as_str(), event.venue.as_str()), ("2031-05-01", "Hall"));
        let missing = ["is missing"];
        assert_eq!(wrong(json!({})), json!({"name": missing, "date": missing, "venue": missing}));
        for date in [json!("1.5.2031"), json!("2031-13-01"), json!(20_310_501)] {
            let body = json!({"name": "Concert", "date": date, "venue": "Hall"});
            assert_eq!(wrong(body), json!({"date": ["expected yyyy-MM-dd"]}));
        }
    }

    fn concert() -> DatedEvent {
        let zone = "Asia/Tokyo";
        let window = window_of(day_in("2031-05-01").unwrap(), zone).unwrap();
        let venue = Venue {
            name: "Hall".into(),
            region: String::new(),
            time_zone: zone.into(),
            opens_at_minute: 0,
            closes_at_minute: 1439,
        };
        let resource = Resource {
            venue: VenueId(1),
            kind: ResourceKind::Event,
            name: "Concert".into(),
            description: "Loud".into(),
            owner: None,
            status: ResourceStatus::Offered,
        };
        DatedEvent { id: ResourceId(7), resource, venue: Arc::new(venue), starts_at: window.starts_at() }
    }

    #[test]
    fn a_row_is_an_event_and_a_type_of_its_tickets() {
        let event = json!({
            "event_id": "7", "name": "Concert", "description": "Loud", "date": "2031-05-01", "venue": "Hall",
        });
        assert_eq!(serde_json::to_value(event_body(&concert())).unwrap(), event);
        let price = Some(Money { amount: 4_990, currency: "XXX".into() });
        let kind = PoolKind::Seats { capacity: 5 };
        let (name, description) = ("Floor".into(), "To stand".into());
        let counts = PoolCounts { available: 2, held: 1, confirmed: 2, ..PoolCounts::open(5) };
        let on_sale = TypeOnSale {
            event: Arc::new(concert()),
            pool: Pool { id: PoolId(3), name, kind, price, description },
            counts,
            is_general: true,
            hold_duration: Some(60_000),
        };
        let mut row = serde_json::to_value(type_row(&on_sale)).unwrap();
        let row = row.as_object_mut().unwrap();
        for (name, value) in event.as_object().unwrap() {
            assert_eq!(row.remove(name).as_ref(), Some(value));
        }
        let expected = json!({
            "ticket_type_id": "3", "ticket_type": "Floor", "ticket_type_description": "To stand",
            "seat_type": "General", "quantity": 5, "available": 2, "reserved": 1, "booked": 2, "price": 49.9,
            "reservation_limit_in_seconds": 60,
        });
        assert_eq!(Value::Object(row.clone()), expected);
    }
}
