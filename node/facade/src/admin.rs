//! What operators and their tools ask, on a port of its own: health, figures, and the digest of the rows.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::http::accounts::{email_from, password_from, person_from};
use crate::http::health;
use crate::http::{Answer, Call, Reply};
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

/// What somebody may do who can read this node's data folder: `token` is in a file there. He could do anything with the
/// node; nobody else who reaches the admin port can.
pub fn owner_router(service: Service, token: &str) -> Router {
    let owner = Owner { token_hash: Sha256::digest(token).into() };
    Router::new()
        .route("/first-operator", post(create_first_operator))
        .layer(Extension(owner))
        .with_state(service)
}

/// Whose node this is.
#[derive(Clone, Copy)]
struct Owner {
    token_hash: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstOperatorBody {
    email: String,
    name: String,
    password: String,
}

async fn create_first_operator(
    State(service): State<Service>,
    Extension(owner): Extension<Owner>,
    call: Call,
) -> Answer {
    // Hashes are compared, so the time it takes tells nothing of the token.
    let is_owner = call.token()?.is_some_and(|token| owner.token_hash == *Sha256::digest(token));
    if !is_owner {
        return Err(Problem::unauthenticated("the token is not the one in this node's data folder"));
    }
    let FirstOperatorBody { email, name, password } = call.json()?;
    let (email, name, password) = (email_from(&email)?, person_from(name)?, password_from(password)?);
    let id = service.create_first_operator(email, name, password, &call.context).await?;
    Reply::created(&json!({"id": id.0}))
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
