//! What operators and their tools ask, on a port of its own: health, figures, and the digest of the rows.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;

use crate::http::health;
use crate::http::{Answer, Reply};
use crate::problem::Problem;
use crate::service::Service;

/// Every path of the admin port.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics))
        .route("/digest", get(digest))
        .with_state(service)
}

async fn metrics(State(service): State<Service>) -> Response {
    match service.metrics().to_text(service.replica()) {
        Ok(text) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(_) => Problem::new(500, "internal", "the figures cannot be written").into_response(),
    }
}

/// The digest of all rows, and the log index it is of: equal on all nodes at the same index.
async fn digest(State(service): State<Service>) -> Answer {
    let replica = service.replica().clone();
    let read = tokio::task::spawn_blocking(move || replica.digest()).await;
    let (digest, index) = read.map_err(|_| Problem::new(500, "internal", "the rows cannot be read"))??;
    Reply::ok(&json!({"appliedIndex": index, "digest": digest.to_string()}))
}
