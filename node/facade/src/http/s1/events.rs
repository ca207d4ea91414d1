//! `/events`: everybody reads, whoever is signed in creates, the owner changes. Events of S2 are shown here too.

use axum::extract::State;
use holdfast_reservations::{ChangeResource, CreateEvent, ResourceId, WithdrawResource};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::bodies::{event_body, offer_body};
use super::read;
use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::service::s1::{self, EVENTS_MAX, EventView};

/// S1 knows no venues: all its events are here.
const VENUE: &str = "Main venue";

const TITLE_BYTES_MAX: usize = 200;
const DESCRIPTION_BYTES_MAX: usize = 2000;

#[derive(Deserialize, ToSchema)]
#[schema(as = S1NewEvent)]
pub(crate) struct NewEventBody {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[schema(max_length = 2000)]
    description: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = S1EventChange)]
pub(crate) struct ChangeBody {
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    #[schema(max_length = 2000)]
    description: Option<String>,
}

pub(super) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let body: NewEventBody = call.json()?;
    let name = title_from(body.title)?;
    let description = description_from(body.description.unwrap_or_default())?;
    let event = CreateEvent { name, description, venue: VENUE.to_owned(), slot: None };
    let (id, resource) = service.create_event(caller, event, &call.context).await?;
    let view = EventView { id, resource, performances: Vec::new() };
    Ok(Reply::created(&offer_body(view))?.at(format!("/events/{}", id.0)))
}

/// All of them, or after one and so many.
pub(super) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let before = ResourceId(call.query_id("after")?.unwrap_or(u64::MAX));
    let limit = match call.query("limit")? {
        None => EVENTS_MAX,
        Some(_) => call.limit()?,
    };
    let events = read(&service, &call, |view| Ok(s1::events(view, before, limit))).await?;
    Reply::read(events, |events| events.into_iter().map(offer_body).collect::<Vec<_>>())
}

pub(super) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let id = event_id(&id)?;
    Reply::read(read(&service, &call, |view| s1::event_view(view, id)).await?, offer_body)
}

pub(super) async fn change(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let resource = event_id(&id)?;
    let body: ChangeBody = call.json()?;
    let name = body.title.map(title_from).transpose()?;
    let description = body.description.map(description_from).transpose()?;
    service.look(|view| s1::expect_no_other(view, resource))??;
    let change = ChangeResource { resource, name, description };
    let (id, resource) = service.change_resource(caller, change, &call.context).await?;
    Reply::ok(&event_body(id, resource))
}

pub(super) async fn delete(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let resource = event_id(&id)?;
    service.look(|view| s1::expect_no_other(view, resource))??;
    service.withdraw_resource(caller, WithdrawResource { resource }, &call.context).await?;
    Reply::ok(&json!({"id": resource.0.to_string(), "message": "the event was deleted"}))
}

pub(super) fn event_id(text: &str) -> Result<ResourceId> {
    path_id(text, "resource_not_found", "event").map(ResourceId)
}

fn title_from(title: String) -> Result<String> {
    match title.len() {
        1..=TITLE_BYTES_MAX => Ok(title),
        _ => Err(Problem::senseless(format!("title has 1 to {TITLE_BYTES_MAX} bytes"))),
    }
}

fn description_from(description: String) -> Result<String> {
    match description.len() {
        0..=DESCRIPTION_BYTES_MAX => Ok(description),
        _ => Err(Problem::senseless(format!("description has at most {DESCRIPTION_BYTES_MAX} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_neither_missing_nor_too_long() {
        let title = |length| title_from("x".repeat(length)).is_ok();
        assert_eq!([0, 1, 200, 201].map(title), [false, true, true, false]);
        let description = |length| description_from("x".repeat(length)).is_ok();
        assert_eq!([0, 2000, 2001].map(description), [true, true, false]);
    }

    #[test]
    fn what_is_unknown_in_a_body_is_ignored() {
        let read = |json: &str| serde_json::from_str::<NewEventBody>(json).ok().map(|body| body.title);
        assert_eq!(read(r#"{"title":"Course","color":"red"}"#).as_deref(), Some("Course"));
        for malformed in [r#"{"title":7}"#, "{}", r#"{"title":"A","description":7}"#, "[]", "null"] {
            assert_eq!(read(malformed), None, "{malformed}");
        }
        let change: ChangeBody = serde_json::from_str("{}").unwrap();
        assert_eq!((change.title, change.description), (None, None));
    }

    #[test]
    fn an_event_whose_id_is_none_is_not_there() {
        assert_eq!(event_id("17"), Ok(ResourceId(17)));
        assert_eq!(event_id("none").unwrap_err().status, 404);
    }
}
