//! `/v1/cluster/...`: what operators want of the members. Asking for the same again is safe, at any node.

use axum::extract::State;
use axum::http::StatusCode;
use holdfast_raft::{Change, Goal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::Id;

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replacement)]
pub(crate) struct ReplaceBody {
    /// The node that takes its place; whoever comes next if not given.
    by: Option<Id>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Transfer)]
pub(crate) struct TransferBody {
    /// The node that is to lead; any that can if not given.
    to: Option<Id>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberChange)]
pub(crate) struct ChangeBody {
    /// Nothing was done: these are the steps that would be taken.
    dry_run: bool,
    done: bool,
    /// What is left to do, in order.
    steps: Vec<String>,
    /// Why the next step cannot be taken yet; the leader goes on by itself.
    waits_for: Option<String>,
}

pub(crate) async fn remove(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    answer(&service, &call, || Ok(Goal::Remove { node: node_in(&id)? })).await
}

pub(crate) async fn promote(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    answer(&service, &call, || Ok(Goal::Promote { node: node_in(&id)? })).await
}

pub(crate) async fn drain(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    answer(&service, &call, || Ok(Goal::Drain { node: node_in(&id)? })).await
}

pub(crate) async fn replace(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let goal = || {
        let ReplaceBody { by } = call.json_if_any()?;
        Ok(Goal::Replace { node: node_in(&id)?, by: by.map(|id| id.0) })
    };
    answer(&service, &call, goal).await
}

pub(crate) async fn transfer(State(service): State<Service>, call: Call) -> Answer {
    let goal = || {
        let TransferBody { to } = call.json_if_any()?;
        Ok(Goal::Transfer { to: to.map(|id| id.0) })
    };
    answer(&service, &call, goal).await
}

/// 200 when it is done, 202 when it was taken up and something is left to do.
async fn answer(service: &Service, call: &Call, goal: impl FnOnce() -> Result<Goal>) -> Answer {
    let caller = call.caller(service, Endpoint::ChangeMembers).await?;
    let (goal, dry_run) = (goal()?, is_dry_run(call)?);
    let change = service.change_members(caller, goal, dry_run, call.context.deadline).await?;
    let done = change.is_done();
    let status = if done || dry_run { StatusCode::OK } else { StatusCode::ACCEPTED };
    let Change { steps, waits_for } = change;
    Reply::json(status, &ChangeBody { dry_run, done, steps, waits_for })
}

fn is_dry_run(call: &Call) -> Result<bool> {
    match call.query("dryRun")?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Problem::malformed(format!("dryRun is true or false, not {other}"))),
    }
}

fn node_in(text: &str) -> Result<u64> {
    path_id(text, "node_not_found", "node")
}
