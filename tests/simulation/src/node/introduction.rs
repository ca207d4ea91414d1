//! What a node tells the cluster of itself when it starts, as the server's binary does: its key, and the first operator.

use std::time::Duration;

use holdfast_raft::Replica;
use holdfast_reservations::{
    Command, CreateOperator, Principal, RegisterNodeKey, Request, RequestId, RequestKey,
};
use tokio::time::Instant;

/// Who may open slots.
pub const OPERATOR_EMAIL: &str = "operator@park.example";
/// And how he logs in.
pub const OPERATOR_PASSWORD: &str = "the-lake-is-deep";

/// One attempt; without a quorum there will be another.
const ATTEMPT_DURATION_MAX: Duration = Duration::from_secs(5);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Publishes the node's key and proposes the operator, until the cluster has answered.
pub(super) async fn run(replica: Replica, generation: u32, public_key: [u8; 32]) {
    let node = replica.identity().node;
    let mut key = [0; 16];
    key[..8].copy_from_slice(&node.to_be_bytes());
    key[8..12].copy_from_slice(&generation.to_be_bytes());
    submit(&replica, key, Command::RegisterNodeKey(RegisterNodeKey { node, generation, public_key })).await;
    // It would be hashed anew at every start, and asked for again under the same name.
    let password = holdfast_facade::hash_password(OPERATOR_PASSWORD.to_owned()).await;
    let Ok(password_hash) = password else { return };
    let (name, email) = ("Operator".to_owned(), OPERATOR_EMAIL.to_owned());
    key[12] = 1;
    submit(&replica, key, Command::CreateOperator(CreateOperator { name, email, password_hash })).await;
}

async fn submit(replica: &Replica, key: [u8; 16], command: Command) {
    let id = RequestId { key: RequestKey::Made(key), payload_hash: 0 };
    let request = Request { id: Some(id), principal: Principal::Internal, command };
    while replica.propose(&request, Instant::now() + ATTEMPT_DURATION_MAX).await.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
}
