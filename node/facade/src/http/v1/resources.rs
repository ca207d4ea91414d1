//! `/v1/resources`.

use axum::extract::State;
use holdfast_reservations::{
    ChangeResource, CreateEvent, NewResource, Resource, ResourceId, ResourceKind, VenueId, WithdrawResource,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::v1::venues::name_from;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::Id;

const DESCRIPTION_BYTES_MAX: usize = 2000;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewResource)]
pub(crate) struct CreateBody {
    venue_id: Id,
    kind: Kind,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    description: String,
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ResourceKind)]
enum Kind {
    Ride,
    Event,
    Course,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Resource)]
pub(crate) struct ResourceBody {
    id: u64,
    venue_id: u64,
    kind: Kind,
    name: String,
    description: String,
    /// Who may change it, besides operators.
    owner_id: Option<u64>,
    #[schema(schema_with = words::resource_status)]
    status: &'static str,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ResourceChange)]
pub(crate) struct ChangeBody {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 2000)]
    description: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewEvent)]
pub(crate) struct EventBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[serde(default)]
    #[schema(max_length = 2000)]
    description: String,
    /// The name of the place.
    #[schema(min_length = 1, max_length = 200)]
    venue: String,
}

/// Makes an event of the caller's own.
pub(crate) async fn create_event(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let body: EventBody = call.json()?;
    let (name, venue) = (name_from("name", body.name)?, name_from("venue", body.venue)?);
    let description = description_from(body.description)?;
    let event = CreateEvent { name, description, venue, slot: None };
    let (id, resource) = service.create_event(caller, event, &call.context).await?;
    Reply::created(&resource_body(id, resource))
}

pub(crate) async fn change(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let resource = path_id(&id, "resource_not_found", "resource").map(ResourceId)?;
    let body: ChangeBody = call.json()?;
    if body.name.is_none() && body.description.is_none() {
        return Err(Problem::senseless("nothing to change: give name or description"));
    }
    let name = body.name.map(|name| name_from("name", name)).transpose()?;
    let description = body.description.map(description_from).transpose()?;
    let command = ChangeResource { resource, name, description };
    let (id, resource) = service.change_resource(caller, command, &call.context).await?;
    Reply::ok(&resource_body(id, resource))
}

pub(crate) async fn withdraw(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let resource = path_id(&id, "resource_not_found", "resource").map(ResourceId)?;
    service.withdraw_resource(caller, WithdrawResource { resource }, &call.context).await?;
    Reply::ok(&serde_json::json!({"id": resource.0, "status": "withdrawn"}))
}

pub(crate) async fn create(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::CreateResource).await?;
    let resource = resource_from(call.json()?)?;
    let (id, resource) = service.create_resource(caller, resource, &call.context).await?;
    Reply::created(&resource_body(id, resource))
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCatalog).await?;
    let id = path_id(&id, "resource_not_found", "resource").map(ResourceId)?;
    let read = service.resource(asked, id).await?;
    Reply::read(read, |resource| resource_body(id, resource))
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCatalog).await?;
    let venue = call.query_id("venueId")?.map(VenueId);
    let limit = call.limit()?;
    let before = ResourceId(call.query_id("after")?.unwrap_or(u64::MAX));
    let read = service.resources(asked, venue, before, limit + 1).await?;
    Reply::read(read, |resources| {
        cut(resources, limit, |(id, _)| id.0, |(id, resource)| resource_body(id, resource))
    })
}

fn resource_from(body: CreateBody) -> Result<NewResource> {
    let kind = match body.kind {
        Kind::Ride => ResourceKind::Ride,
        Kind::Event => ResourceKind::Event,
        Kind::Course => ResourceKind::Course,
    };
    let (name, description) = (name_from("name", body.name)?, description_from(body.description)?);
    Ok(NewResource { venue: VenueId(body.venue_id.0), kind, name, description })
}

/// A line or two for guests.
pub(in crate::http) fn description_from(description: String) -> Result<String> {
    match description.len() {
        0..=DESCRIPTION_BYTES_MAX => Ok(description),
        _ => Err(Problem::senseless(format!("description has at most {DESCRIPTION_BYTES_MAX} bytes"))),
    }
}

fn resource_body(id: ResourceId, resource: Resource) -> ResourceBody {
    let kind = match resource.kind {
        ResourceKind::Ride => Kind::Ride,
        ResourceKind::Event => Kind::Event,
        ResourceKind::Course => Kind::Course,
    };
    let status = if resource.is_offered() { "offered" } else { "withdrawn" };
    let Resource { venue, name, description, owner, .. } = resource;
    let owner_id = owner.map(|owner| owner.0);
    ResourceBody { id: id.0, venue_id: venue.0, kind, name, description, owner_id, status }
}
