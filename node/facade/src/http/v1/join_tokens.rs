//! `/v1/cluster/tokens`: what lets a new node into the cluster.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::access::Endpoint;
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

pub(crate) async fn make(State(service): State<Service>, call: Call) -> Answer {
    call.caller(&service, Endpoint::MakeJoinToken).await?;
    let Body { ttl_seconds } = call.json()?;
    let seconds = ttl_seconds.unwrap_or(TTL_SECONDS);
    if !(TTL_SECONDS_MIN..=TTL_SECONDS_MAX).contains(&seconds) {
        let detail = format!("ttlSeconds is from {TTL_SECONDS_MIN} to {TTL_SECONDS_MAX}");
        return Err(Problem::senseless(detail));
    }
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
