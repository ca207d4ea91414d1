//! The HTTP face: one router for all dialects, and what surrounds every call.

pub(crate) mod accounts;
mod body;
mod call;
mod codes;
pub(crate) mod health;
mod name;
mod path;
mod reply;
mod rides;
mod surround;
mod v1;

use axum::Router;
use axum::routing::{get, patch, post, put};

use crate::service::Service;

pub(crate) use body::Bodies;
pub(crate) use call::Call;
pub(crate) use name::{CallName, KeyOwner, key_of_uuid, owned_by, payload_hash};
pub(crate) use reply::{Answer, Reply, close_after};

/// Every path of the HTTP face.
pub(crate) fn router(service: Service) -> Router {
    let routes = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/.well-known/jwks.json", get(accounts::keys))
        .route("/auth/signup", post(accounts::sign_up))
        .route("/auth/login", post(accounts::log_in))
        .route("/auth/refresh", post(accounts::refresh))
        .route("/auth/logout", post(accounts::log_out))
        .route("/q/{image}", get(codes::image))
        .route("/rides/book", post(rides::book).get(rides::history))
        .route("/rides/book/{id}", put(rides::change).delete(rides::cancel))
        .route("/rides/book/{id}/checkin", patch(rides::check_in))
        .route("/rides/code/{id}", get(rides::code))
        .merge(v1::routes());
    surround::surround(routes, service)
}
