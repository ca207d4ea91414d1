//! HTTP and gRPC: authenticate, translate, propose, answer. Wire types stop here.
//!
//! ```text
//! listen -> http (one router: /v1, /rides, /auth, ...) -.
//!        '> grpc (Reservations)                         '-> service -> Replica
//! ```

mod access;
mod accounts;
mod admin;
mod codes;
mod grpc;
mod http;
mod limits;
mod listen;
mod metrics;
mod problem;
mod service;
mod wire;

pub use admin::router as admin_router;
pub use listen::serve;
pub use metrics::Metrics;
pub use service::{FacadeSettings, Service};

use axum::Router;

/// Everything clients call, HTTP and gRPC on one router.
pub fn router(service: Service) -> Router {
    let grpc = grpc::routes(service.clone()).prepare().into_axum_router().reset_fallback();
    http::router(service).merge(grpc)
}

/// Hashes a password as sign-up does: for the first operator.
///
/// # Errors
///
/// Says so if this machine cannot hash.
pub async fn hash_password(password: String) -> Result<String, String> {
    accounts::passwords::Passwords::new().hash(password).await.map_err(|problem| problem.detail)
}
