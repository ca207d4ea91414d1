//! Puts another key of a member into the membership; on the leader.

use std::collections::BTreeMap;
use std::sync::Arc;

use openraft::ChangeMembers;
use tokio::time::Instant;

use super::control::LOOK_INTERVAL;
use super::execute::StepFailure;
use super::{CONFIRM_DURATION_MAX, Members};
use crate::own_key::PublicKey;
use crate::types::Member;

impl Members {
    /// Replaces the key of a member that was seen in the membership, and nothing else of it. Members change one at a
    /// time: it waits a moment for its turn.
    pub(crate) async fn replace_key(
        self: &Arc<Self>,
        node: u64,
        seen: PublicKey,
        shown: PublicKey,
    ) -> Result<(), String> {
        let until = Instant::now() + CONFIRM_DURATION_MAX;
        loop {
            let members = self.clone();
            let replaced =
                self.change.run(async move { members.replace_key_now(node, seen, shown).await }).await;
            match replaced.unwrap_or(Err(StepFailure::Overtaken)) {
                Ok(()) => return Ok(()),
                Err(StepFailure::Overtaken) if Instant::now() < until => {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
                Err(failure) => return Err(failure.to_string()),
            }
        }
    }

    async fn replace_key_now(&self, node: u64, seen: PublicKey, shown: PublicKey) -> Result<(), StepFailure> {
        let look = self.look().await.ok_or(StepFailure::Overtaken)?;
        let member = look.stored.membership().get_node(&node).cloned();
        let member = member.ok_or(StepFailure::Refused(super::goal::Refusal::UnknownNode(node)))?;
        if member.public_key == shown {
            return Ok(());
        }
        if member.public_key != seen {
            return Err(StepFailure::Overtaken);
        }
        // A node that is there is set anew: its addresses stay, so nobody talks to another one than before.
        let changed = BTreeMap::from([(node, Member { public_key: shown, ..member })]);
        self.write(&look, ChangeMembers::SetNodes(changed)).await?;
        tracing::info!(node, "a node has another key");
        Ok(())
    }
}
