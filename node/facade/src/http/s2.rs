//! Seed S2, online reservations: seats are held and bought by jobs, and whoever calls says who he is in the body.
//!
//! `GET /events` and `GET /events/{id}` are shared with seed S1 and served there.

pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod seats;
pub(crate) mod wishes;

use axum::Router;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use crate::access::Endpoint;
use crate::http::Call;
use crate::http::dialect::with_errors;
use crate::problem::{Problem, Result};
use crate::service::{Reader, Service};

/// Its paths.
pub(crate) fn routes() -> Router<Service> {
    let routes = Router::new()
        .route("/events/create", post(events::create))
        .route("/seats/list/{id}", get(seats::list))
        .route("/seats/get/{id}", get(seats::show))
        .route("/seats/hold", post(wishes::hold))
        .route("/seats/hold/refresh", post(wishes::refresh))
        .route("/seats/refresh", post(wishes::refresh))
        .route("/seats/reserve", post(wishes::reserve))
        .route("/seats/job/{id}/status", get(jobs::show));
    with_errors(routes, error_body)
}

/// Whoever reads: anybody where callers are believed, otherwise somebody with a token.
async fn reader(service: &Service, call: &Call, endpoint: Endpoint) -> Result<Reader> {
    if call.token()?.is_none() && service.trusts_declared_identity() {
        return Ok(Reader::Anybody { consistency: call.consistency()?, deadline: call.context.deadline });
    }
    call.asked(service, endpoint).await.map(Reader::Somebody)
}

/// `{error, code, ..}`: the message first, then what programs can use.
pub(crate) fn error_body(problem: &Problem) -> Value {
    let mut body = Map::new();
    body.insert("error".to_owned(), json!(problem.detail));
    body.insert("code".to_owned(), json!(problem.code));
    body.extend(problem.extra.clone());
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_why_and_keeps_what_programs_can_use() {
        let problem = Problem::new(409, "seat_taken", "it is sold").with("currentStatus", json!("Reserved"));
        let expected = json!({"error": "it is sold", "code": "seat_taken", "currentStatus": "Reserved"});
        assert_eq!(error_body(&problem), expected);
        assert_eq!(error_body(&Problem::malformed("?")), json!({"error": "?", "code": "malformed"}));
    }
}
