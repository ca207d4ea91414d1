//! What a node tells the cluster of itself when it starts: the key it signs with, and the operator it was given.

use std::time::Duration;

use holdfast_raft::Replica;
use holdfast_reservations::{
    Command, CreateOperator, Outcome, Principal, RegisterNodeKey, Request, RequestId, RequestKey,
};
use tokio::time::Instant;

/// One attempt; without a quorum there will be another.
const ATTEMPT_DURATION_MAX: Duration = Duration::from_secs(5);

/// Before another attempt, and twice as long each time.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// An operator to be made when nobody can sign in yet.
pub(crate) struct FirstOperator {
    pub(crate) email: String,
    pub(crate) password_hash: String,
}

/// Publishes this node's key and proposes the operator. Goes on until the cluster has answered.
pub(crate) async fn run(replica: Replica, first: Option<FirstOperator>) {
    let own = replica.own_key();
    let (generation, public_key) = (own.generation, own.signing_key.verifying_key().to_bytes());
    let node = replica.identity().node;
    let key = Command::RegisterNodeKey(RegisterNodeKey { node, generation, public_key });
    let outcome = submit(&replica, key).await;
    tracing::debug!(?outcome, "the cluster knows the key of this node");
    let Some(FirstOperator { email, password_hash }) = first else { return };
    // Clients are served already, so what is seen here may change at once: the rules decide whether there is one.
    let operator = CreateOperator { name: "Operator".to_owned(), email: email.clone(), password_hash };
    let outcome = submit(&replica, Command::CreateOperator(operator)).await;
    if matches!(outcome, Outcome::User(..)) {
        tracing::info!(email, "the first operator can log in");
    } else {
        tracing::debug!(?outcome, "no operator is made");
    }
}

/// Proposes a command under one request id until its outcome is known.
async fn submit(replica: &Replica, command: Command) -> Outcome {
    let id = RequestId { key: RequestKey::Made(uuid::Uuid::new_v4().into_bytes()), payload_hash: 0 };
    let request = Request { id: Some(id), principal: Principal::Internal, command };
    let mut pause = PAUSE_FIRST;
    loop {
        let deadline = Instant::now() + ATTEMPT_DURATION_MAX;
        match replica.propose(&request, deadline).await {
            Ok(applied) => return applied.outcome,
            Err(error) => tracing::info!(%error, command = request.command.name(), "trying again soon"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
