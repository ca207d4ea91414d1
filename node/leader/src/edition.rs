//! Adopts the latest edition of the rules once every member's program knows it: until then an upgrade can go on node by
//! node, and back.

use std::time::Duration;

use holdfast_raft::{ProposeError, Replica};
use holdfast_reservations::{AdoptEdition, Command, Edition};
use tokio::time::Instant;

/// How often the members are looked at: an upgrade takes minutes, a founding should not wait.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// A proposal that takes longer is given up and made again.
const PROPOSE_DURATION_MAX: Duration = Duration::from_secs(2);

/// Runs until it is dropped.
pub(crate) async fn run(replica: Replica) {
    loop {
        let current = replica.look(|view| Edition::of(view)).map(|(edition, _)| edition);
        if current.is_ok_and(|current| current >= Edition::LATEST) {
            // What was adopted stays so.
            return std::future::pending().await;
        }
        if replica.edition_of_all() >= Edition::LATEST {
            adopt(&replica).await;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn adopt(replica: &Replica) {
    let command = Command::AdoptEdition(AdoptEdition { edition: Edition::LATEST });
    match replica.propose_internal(command, Instant::now() + PROPOSE_DURATION_MAX).await {
        Ok(_) => tracing::info!(edition = Edition::LATEST.0, "an edition of the rules was adopted"),
        Err(ProposeError::NotLeader | ProposeError::NoLeader) => (),
        Err(error) => tracing::debug!(%error, "an edition of the rules was not adopted"),
    }
}
