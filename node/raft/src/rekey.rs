//! Puts another key of a member into the membership; on the leader.

use std::collections::BTreeMap;

use openraft::ChangeMembers;

use crate::own_key::PublicKey;
use crate::types::{Member, Raft};
use crate::watch::metrics;

/// Replaces the key of a member, and nothing else of it.
pub(crate) async fn replace_key(raft: &Raft, node: u64, public_key: PublicKey) -> Result<(), String> {
    let metrics = metrics(raft);
    let Some(member) = metrics.membership_config.membership().get_node(&node).cloned() else {
        return Err(format!("node {node} is not a member"));
    };
    if member.public_key == public_key {
        return Ok(());
    }
    // A node that is there is set anew: its addresses stay, so nobody talks to another one than before.
    let changed = BTreeMap::from([(node, Member { public_key, ..member })]);
    let changed = raft.change_membership(ChangeMembers::SetNodes(changed), true).await;
    changed.map_err(|error| error.to_string())?;
    tracing::info!(node, "a node has another key");
    Ok(())
}
