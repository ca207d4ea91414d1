//! `/v1/cluster/tokens`: what lets a new node into the cluster. `/v1/cluster/nodes/{id}/rotate-key`: another key for one.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use holdfast_raft::{ChangeKeyError, ClusterStatus};
use serde::Deserialize;
use serde_json::json;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::problem::Problem;
use crate::service::Service;
use crate::wire::instant;

/// How long a token lets nodes in: long enough to start a few, short enough that one that got lost does little harm.
const TTL_SECONDS: u64 = 3600;
const TTL_SECONDS_MIN: u64 = 1;
const TTL_SECONDS_MAX: u64 = 7 * 24 * 3600;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    ttl_seconds: Option<u64>,
}

pub(crate) async fn make_join_token(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::MakeJoinToken).await?;
    let Body { ttl_seconds } = call.json()?;
    let seconds = ttl_seconds.unwrap_or(TTL_SECONDS);
    if !(TTL_SECONDS_MIN..=TTL_SECONDS_MAX).contains(&seconds) {
        let detail = format!("ttlSeconds is from {TTL_SECONDS_MIN} to {TTL_SECONDS_MAX}");
        return Err(Problem::senseless(detail));
    }
    service.confirm(caller, call.context.deadline).await?;
    // The members must know the key that signs it.
    service.keys().check_published()?;
    let nonce = uuid::Uuid::new_v4().into_bytes();
    let token = service.replica().join_token(Duration::from_secs(seconds), nonce);
    let body = json!({
        "token": token.to_string(),
        "clusterId": service.cluster().cluster.to_string(),
        "expiresAt": instant(token.expires_at()),
    });
    Reply::json(StatusCode::CREATED, &body)
}

/// Only the node itself has its keys: the others name the one to ask.
pub(crate) async fn rotate(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeNodeKey).await?;
    let node = path_id(&id, "node_not_found", "node")?;
    let ClusterStatus { node: own, nodes, .. } = service.cluster();
    if node != own {
        let found = nodes.into_iter().find(|known| known.id == node);
        let address = found.ok_or_else(|| Problem::not_found("node_not_found", format!("node {node}")))?;
        let detail = format!("this is node {own}; ask node {node} itself, at {}", address.client_address);
        return Err(Problem::new(409, "other_node", detail));
    }
    service.confirm(caller, call.context.deadline).await?;
    let generation = service.replica().change_key(call.context.deadline).await.map_err(problem_from)?;
    Reply::ok(&json!({"node": node, "kid": format!("{node}-{generation}")}))
}

/// Both keys are taken until the change is over, and asking again goes on with it.
fn problem_from(error: ChangeKeyError) -> Problem {
    match error {
        ChangeKeyError::Propose(error) => error.into(),
        ChangeKeyError::Away(_) => Problem::new(409, "nodes_away", error.to_string()),
        ChangeKeyError::UnderWay => Problem::new(409, "change_under_way", error.to_string()),
        ChangeKeyError::OldCopy(_) => Problem::new(409, "old_copy", error.to_string()),
        ChangeKeyError::Io(_) => Problem::new(500, "internal", error.to_string()),
    }
}
