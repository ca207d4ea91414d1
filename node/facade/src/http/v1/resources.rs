//! `/v1/resources`.

use axum::extract::State;
use holdfast_reservations::{Resource, ResourceId, ResourceKind, VenueId};
use serde::{Deserialize, Serialize};

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::v1::venues::name_from;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::Id;

const DESCRIPTION_BYTES_MAX: usize = 2000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateBody {
    venue_id: Id,
    kind: Kind,
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ride,
    Event,
    Course,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceBody {
    id: u64,
    venue_id: u64,
    kind: Kind,
    name: String,
    description: String,
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

fn resource_from(body: CreateBody) -> Result<Resource> {
    if body.description.len() > DESCRIPTION_BYTES_MAX {
        return Err(Problem::senseless(format!("description has at most {DESCRIPTION_BYTES_MAX} bytes")));
    }
    let kind = match body.kind {
        Kind::Ride => ResourceKind::Ride,
        Kind::Event => ResourceKind::Event,
        Kind::Course => ResourceKind::Course,
    };
    let (name, description) = (name_from("name", body.name)?, body.description);
    Ok(Resource { venue: VenueId(body.venue_id.0), kind, name, description })
}

fn resource_body(id: ResourceId, resource: Resource) -> ResourceBody {
    let kind = match resource.kind {
        ResourceKind::Ride => Kind::Ride,
        ResourceKind::Event => Kind::Event,
        ResourceKind::Course => Kind::Course,
    };
    let Resource { venue, name, description, .. } = resource;
    ResourceBody { id: id.0, venue_id: venue.0, kind, name, description }
}
