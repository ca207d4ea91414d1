//! The members and their keys, as operators change them.

use std::time::Duration;

use holdfast_raft::{Change, ChangeKeyError, ClusterStatus, Goal, JoinToken};
use tokio::time::Instant;

use crate::problem::{Problem, Result};
use crate::service::{Caller, Service};

/// How long a token lets nodes in: long enough to start a few, short enough that one that got lost does little harm.
const TTL_SECONDS: u64 = 3600;
const TTL_SECONDS_MIN: u64 = 1;
const TTL_SECONDS_MAX: u64 = 7 * 24 * 3600;

impl Service {
    pub(crate) fn cluster(&self) -> ClusterStatus {
        self.parts.replica.cluster()
    }

    /// Takes up what an operator wants of the members, or only says what that would take.
    pub(crate) async fn change_members(
        &self,
        caller: Caller,
        goal: Goal,
        is_dry_run: bool,
        deadline: Instant,
    ) -> Result<Change> {
        self.confirm(caller, deadline).await?;
        let replica = &self.parts.replica;
        match is_dry_run {
            true => Ok(replica.plan_members(goal, deadline).await?),
            false => Ok(replica.change_members(goal, deadline).await?),
        }
    }

    /// Makes what lets new nodes into the cluster.
    pub(crate) async fn make_join_token(
        &self,
        caller: Caller,
        ttl_seconds: Option<u64>,
        deadline: Instant,
    ) -> Result<JoinToken> {
        let seconds = ttl_seconds.unwrap_or(TTL_SECONDS);
        if !(TTL_SECONDS_MIN..=TTL_SECONDS_MAX).contains(&seconds) {
            let detail = format!("ttlSeconds is from {TTL_SECONDS_MIN} to {TTL_SECONDS_MAX}");
            return Err(Problem::senseless(detail));
        }
        self.confirm(caller, deadline).await?;
        // The members must know the key that signs it.
        self.parts.keys.check_published()?;
        let nonce = uuid::Uuid::new_v4().into_bytes();
        Ok(self.parts.replica.join_token(Duration::from_secs(seconds), nonce))
    }

    /// Gives this node another key, and names it. Only the node itself has its keys: the others name the one to ask.
    pub(crate) async fn rotate_key(&self, caller: Caller, node: u64, deadline: Instant) -> Result<String> {
        let ClusterStatus { node: own, nodes, .. } = self.cluster();
        if node != own {
            let found = nodes.into_iter().find(|known| known.id == node);
            let known = found.ok_or_else(|| Problem::not_found("node_not_found", format!("node {node}")))?;
            let detail = format!("this is node {own}; ask node {node} itself, at {}", known.client_address);
            return Err(Problem::new(409, "other_node", detail));
        }
        self.confirm(caller, deadline).await?;
        let generation = self.parts.replica.change_key(deadline).await.map_err(problem_from)?;
        Ok(format!("{node}-{generation}"))
    }
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
