//! Whether this process lives, and whether this node serves.

use axum::extract::State;
use serde_json::json;

use crate::http::{Answer, Reply};
use crate::problem::Problem;
use crate::service::Service;

/// Whether a path asks for health: machines do, and must not be turned away.
pub(crate) fn is_at(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz")
}

/// The process serves HTTP, quorum or not.
pub(crate) async fn live() -> Answer {
    Reply::ok(&json!({"status": "live"}))
}

/// The node knows a leader and has lately served a linearizable read.
pub(crate) async fn ready(State(service): State<Service>) -> Answer {
    let leadership = service.replica().leadership();
    if !service.replica().is_ready() {
        let detail = match leadership.leader {
            None => "no leader is known".to_owned(),
            Some(leader) => format!("node {leader} leads, but this node has not caught up with it"),
        };
        return Err(Problem::new(503, "not_ready", detail));
    }
    let node = service.replica().identity().node;
    Reply::ok(&json!({"status": "ready", "node": node, "leader": leadership.leader}))
}
