//! Seed S3, swift-ticketing: events, their types of tickets, bookings that wait for their turn, and payment. `snake_case`; the
//! cookie `uid` says who calls; what is malformed is a map of fields and messages.

mod bookings;
mod days;
pub(crate) mod events;
pub(crate) mod fields;
mod new_types;
mod prices;
#[cfg(test)]
mod tests;
pub(crate) mod ticket_types;
mod users;
mod wishes;

use axum::Router;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::access::Endpoint;
use crate::http::Call;
use crate::http::dialect::with_errors;
use crate::http::s3::fields::WRONG_FIELDS;
use crate::problem::{Problem, Result};
use crate::service::{Asked, Named, Service};

/// Whose the events are that nobody in particular makes, where everybody is believed.
const ORGANISER: &str = "s3-organiser";

/// Its paths.
pub(crate) fn routes() -> Router<Service> {
    let routes = Router::new()
        .route("/user", post(users::create))
        .route("/user/stats", get(users::stats))
        .route("/event", post(events::create).get(events::list))
        .route("/event/{id}", get(events::show))
        .route("/event/{id}/ticket", post(ticket_types::create))
        .route("/event/{id}/booking", post(bookings::book))
        .route("/ticket", get(ticket_types::tickets))
        .route("/booking/{id}/status", get(bookings::status))
        .route("/booking/{id}/ticket", get(bookings::tickets))
        .route("/booking/{id}/payment", post(bookings::pay))
        .route("/booking/{id}/cancel", post(bookings::cancel));
    with_errors(routes, error_body)
}

/// A problem in the seed's words.
pub(crate) fn error_body(problem: &Problem) -> Value {
    match problem.code {
        WRONG_FIELDS => Value::Object(problem.extra.clone()),
        code => json!({"error": problem.detail, "code": code}),
    }
}

/// Who calls, in his own words.
fn uid(call: &Call) -> Option<&str> {
    call.cookie("uid").filter(|uid| !uid.is_empty())
}

async fn caller(service: &Service, call: &Call, endpoint: Endpoint) -> Result<Named> {
    call.named(service, endpoint, uid(call)).await
}

/// How a caller asks, unless he is new, and nothing is his.
async fn asked(service: &Service, call: &Call, endpoint: Endpoint) -> Result<Option<Asked>> {
    let (consistency, deadline) = (call.consistency()?, call.context.deadline);
    let caller = caller(service, call, endpoint).await?.known();
    Ok(caller.map(|caller| Asked { caller, consistency, deadline }))
}

/// Whoever offers tickets. Where everybody is believed it may be nobody in particular.
async fn host(service: &Service, call: &Call) -> Result<Named> {
    let is_anybody = service.trusts_declared_identity() && call.token()?.is_none();
    let alias = uid(call).or(is_anybody.then_some(ORGANISER));
    call.named(service, Endpoint::ManageEvents, alias).await
}
