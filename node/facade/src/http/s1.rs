//! Seed S1, Fast Pass: events, performances with their seats, and reservations. Errors are `{statusCode,message,error}`.

pub(crate) mod bodies;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod performances;
pub(crate) mod reservations;
mod seats;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::{get, patch, post};
use holdfast_raft::{Read, View};

use crate::http::Call;
use crate::http::dialect::with_errors;
use crate::problem::Result;
use crate::service::Service;

/// Its paths, but for `/auth`.
pub(crate) fn routes() -> Router<Service> {
    let routes = Router::new()
        .route("/events", post(events::create).get(events::list))
        .route("/events/{id}", get(events::show).patch(events::change).delete(events::delete))
        .route("/events/{id}/performances", post(performances::create))
        .route("/performances", get(performances::list))
        .route(
            "/performances/{id}",
            get(performances::show).patch(performances::change).delete(performances::delete),
        )
        .route("/performances/{id}/seats", get(seats::list))
        .route("/reservations", post(reservations::create).get(reservations::list))
        .route("/reservations/{id}", get(reservations::show))
        .route("/reservations/{id}/confirm", post(reservations::confirm))
        .route("/reservations/{id}/cancel", patch(reservations::cancel))
        .layer(map_response(errors::adapt));
    with_errors(routes, errors::nest)
}

/// Reads what everybody may see, as current as the call asks.
async fn read<T>(
    service: &Service,
    call: &Call,
    with: impl FnOnce(&View<'_>) -> Result<T>,
) -> Result<Read<T>> {
    service.read_public(call.consistency()?, call.context.deadline, with).await
}
