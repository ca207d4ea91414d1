//! `/v1/cluster/tokens`: what lets a new node into the cluster. `/v1/cluster/nodes/{id}/rotate-key`: another key for one.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::service::Service;
use crate::wire::instant;

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewJoinToken)]
pub(crate) struct Body {
    /// How long it lets nodes in: an hour unless given, a week at most.
    #[schema(minimum = 1, maximum = 604_800)]
    ttl_seconds: Option<u64>,
}

pub(crate) async fn make_join_token(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::MakeJoinToken).await?;
    let Body { ttl_seconds } = call.json()?;
    let token = service.make_join_token(caller, ttl_seconds, call.context.deadline).await?;
    let body = json!({
        "token": token.to_string(),
        "clusterId": service.cluster().cluster.to_string(),
        "expiresAt": instant(token.expires_at()),
    });
    Reply::json(StatusCode::CREATED, &body)
}

pub(crate) async fn rotate(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ChangeNodeKey).await?;
    let node = path_id(&id, "node_not_found", "node")?;
    let kid = service.rotate_key(caller, node, call.context.deadline).await?;
    Reply::ok(&json!({"node": node, "kid": kid}))
}
