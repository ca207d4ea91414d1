//! HTTP and gRPC: authenticate, translate, propose, answer. Wire types stop here.
//!
//! ```text
//! listen -> http (one router: /v1, /rides, /auth, ...) -.
//!        '> grpc (Reservations, Watch, Cluster)         '-> service -> Replica
//! ```

#[cfg(all(feature = "simulation", not(tokio_unstable)))]
compile_error!(
    "the feature `simulation` takes away what keeps strangers out: it is for tests/simulation alone"
);

mod access;
mod accounts;
mod admin;
mod codes;
mod grpc;
mod http;
mod limits;
mod listen;
mod metrics;
mod openapi;
mod problem;
mod service;
#[cfg(test)]
mod stage;
mod watch;
mod wire;

pub use admin::{owner_router, router as admin_router};
pub use listen::serve;
pub use metrics::Metrics;
pub use service::{FacadeSettings, Service, is_webhook_secret};

use axum::Router;

/// Everything clients call, HTTP and gRPC on one router.
pub fn router(service: Service) -> Router {
    http::router(service.clone()).merge(grpc::router(service))
}

/// Hashes a password as sign-up does: for the operator a cluster is founded with.
///
/// # Errors
///
/// Says so if this machine cannot hash.
pub async fn hash_password(password: String) -> Result<String, String> {
    let deadline = tokio::time::Instant::now() + service::DEADLINE_MAX;
    accounts::passwords::Passwords::new()
        .hash(password, rand::random(), deadline)
        .await
        .map_err(|problem| problem.detail)
}
