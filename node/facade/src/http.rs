//! The HTTP face: one router for all dialects, and what surrounds every call.

pub(crate) mod accounts;
mod body;
mod call;
mod codes;
mod dialect;
pub(crate) mod health;
mod name;
mod path;
mod reply;
pub(crate) mod rides;
pub(crate) mod s1;
pub(crate) mod s2;
pub(crate) mod s3;
mod seat_id;
mod surround;
#[cfg(test)]
mod tests;
pub(crate) mod v1;

use axum::Router;
use axum::routing::{get, patch, post, put};

use crate::openapi;
use crate::service::Service;

pub(crate) use body::Bodies;
pub(crate) use call::Call;
pub(crate) use name::{CallName, KeyOwner, key_named, key_of_uuid, owned_by, payload_hash};
pub(crate) use path::Segment;
pub(crate) use reply::{Answer, LongList, Reply, close_after};

/// Every path of the HTTP face.
pub(crate) fn router(service: Service) -> Router {
    surround::surround(routes(), service)
}

pub(crate) fn routes() -> Router<Service> {
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/.well-known/jwks.json", get(accounts::keys))
        .route("/q/{image}", get(codes::image))
        .route("/rides/book", post(rides::book).get(rides::history))
        .route("/rides/book/{id}", put(rides::change).delete(rides::cancel))
        .route("/rides/book/{id}/checkin", patch(rides::check_in))
        .route("/rides/code/{id}", get(rides::code))
        .merge(accounts::routes())
        .merge(s1::routes())
        .merge(s2::routes())
        .merge(s3::routes())
        .merge(v1::routes())
        .merge(openapi::routes())
}
