//! What a node tells the cluster of itself when it starts: the key it signs with, and, once, the first operator.

use std::time::Duration;

use holdfast_raft::{Consistency, Replica};
use holdfast_reservations::{
    Command, Counters, CreateOperator, Principal, ReadTyped as _, RegisterNodeKey, Request, RequestId,
    RequestKey,
};
use tokio::time::Instant;

/// One attempt; without a quorum there will be another.
const ATTEMPT_DURATION_MAX: Duration = Duration::from_secs(5);

/// An operator to be made when nobody can sign in yet.
pub(crate) struct FirstOperator {
    pub(crate) email: String,
    pub(crate) password_hash: String,
}

/// Publishes this node's key and, if there is no user at all, makes the first operator. Goes on until it has succeeded.
pub(crate) async fn run(
    replica: Replica,
    generation: u32,
    public_key: [u8; 32],
    first: Option<FirstOperator>,
) {
    let node = replica.identity().node;
    submit(&replica, Command::RegisterNodeKey(RegisterNodeKey { node, generation, public_key })).await;
    let Some(FirstOperator { email, password_hash }) = first else { return };
    if has_users(&replica).await {
        tracing::debug!("there are users already; no operator is made");
        return;
    }
    let command = CreateOperator { name: "Operator".to_owned(), email: email.clone(), password_hash };
    submit(&replica, Command::CreateOperator(command)).await;
    tracing::info!(email, "the first operator can log in");
}

async fn has_users(replica: &Replica) -> bool {
    loop {
        let deadline = Instant::now() + ATTEMPT_DURATION_MAX;
        let counted = replica.read(Consistency::Linearizable, deadline, |view| {
            view.row::<Counters>(()).map_or(0, |counters| counters.users)
        });
        match counted.await {
            Ok(counted) => return counted.value > 0,
            Err(error) => tracing::info!(%error, "waiting for a quorum"),
        }
    }
}

/// Proposes a command under one request id until its outcome is known.
async fn submit(replica: &Replica, command: Command) {
    let id = RequestId { key: RequestKey::Made(uuid::Uuid::new_v4().into_bytes()), payload_hash: 0 };
    let request = Request { id: Some(id), principal: Principal::Internal, command };
    loop {
        let deadline = Instant::now() + ATTEMPT_DURATION_MAX;
        match replica.propose(&request, deadline).await {
            Ok(applied) => {
                tracing::debug!(outcome = ?applied.outcome, "told the cluster");
                return;
            }
            Err(error) => tracing::info!(%error, command = request.command.name(), "waiting for a quorum"),
        }
    }
}
