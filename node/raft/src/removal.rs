//! Learns that this node was removed from the cluster: nobody sends it anything any more, so it asks, remembers the answer
//! on its disk, and stops.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use holdfast_proto::raft as wire;
use holdfast_storage::files::Files;
use holdfast_storage::identity::Membership as NodeIdentity;
use holdfast_storage::removal;
use tokio::sync::{Notify, watch};

use crate::freshness::Freshness;
use crate::peers::{Peers, Purpose};
use crate::proposals::Waiting;
use crate::runtime::spawn;
use crate::types::{Membership, StoredMembership};

/// A node that has heard of no leader for so long asks whether it still is a member.
const SILENCE_DURATION_MAX: Duration = Duration::from_millis(1500);

/// How often it asks.
const ASK_INTERVAL: Duration = Duration::from_secs(1);
const REPLY_DURATION_MAX: Duration = Duration::from_secs(1);

/// This node was removed from the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Which node it was.
    pub node: u64,
    /// It has served since it started: so it was removed meanwhile, not before.
    pub has_served: bool,
}

/// What the question needs.
pub(crate) struct Question<F> {
    pub(crate) own: NodeIdentity,
    pub(crate) files: F,
    pub(crate) data_dir: PathBuf,
    pub(crate) peers: Arc<Peers>,
    pub(crate) freshness: Arc<Freshness>,
    pub(crate) membership: watch::Receiver<Arc<Membership>>,
    pub(crate) waiting: Arc<Waiting>,
    /// Woken when somebody does not want to know this node.
    pub(crate) doubt: Arc<Notify>,
}

impl<F: Files> Question<F> {
    /// Asks whenever no leader is heard of, until the answer is that this node was removed.
    pub(crate) fn start(self) -> watch::Receiver<Option<Removed>> {
        let (sender, removed) = watch::channel(None);
        drop(spawn(async move {
            loop {
                let is_in_doubt = tokio::time::timeout(ASK_INTERVAL, self.doubt.notified()).await.is_ok();
                if sender.is_closed() {
                    return;
                }
                let silence = self.freshness.since_confirmed();
                let is_silent = silence.is_none_or(|silence| silence > SILENCE_DURATION_MAX);
                if (is_in_doubt || is_silent) && self.is_removed().await {
                    let removed = Removed { node: self.own.node, has_served: silence.is_some() };
                    self.remember().await;
                    sender.send_replace(Some(removed));
                    // What was handed over may take effect, and this node will never hear of it.
                    self.waiting.forget_all();
                    return;
                }
            }
        }));
        removed
    }

    async fn is_removed(&self) -> bool {
        let membership = self.membership.borrow().clone();
        let others = membership.nodes().map(|(node, _)| *node).filter(|node| *node != self.own.node);
        let mut answers: FuturesUnordered<_> = others.map(|node| self.ask(node)).collect();
        while let Some(is_removed) = answers.next().await {
            if is_removed {
                return true;
            }
        }
        false
    }

    async fn ask(&self, node: u64) -> bool {
        let Ok(mut client) = self.peers.client(node, Purpose::Control) else { return false };
        let asked = tokio::time::timeout(REPLY_DURATION_MAX, client.standing(wire::StandingRequest {})).await;
        asked.is_ok_and(|reply| reply.is_ok_and(|reply| reply.into_inner().is_removed))
    }

    async fn remember(&self) {
        tracing::warn!(node = self.own.node, "this node was removed from the cluster");
        if let Err(error) = removal::write(&self.files, &self.data_dir, self.own).await {
            // The others remember it too.
            tracing::error!(%error, "that this node was removed cannot be written down");
        }
    }
}

/// Whether a node was a member and is none any more. Nobody else changes the members between a node's getting its id,
/// which is an index of the log, and its place: so a later membership without it is of after its removal.
pub(crate) fn was_removed(node: u64, committed: &StoredMembership) -> bool {
    let is_later = committed.log_id().is_some_and(|id| id.index > node);
    is_later && committed.membership().get_node(&node).is_none()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::types::{LeaderId, LogId, Member};

    #[test]
    fn only_a_later_membership_can_tell() {
        let nodes = BTreeMap::from([1, 20].map(|node| (node, Member::default())));
        let membership = Membership::new(vec![BTreeSet::from([1])], nodes).unwrap();
        let id = LogId::new(LeaderId { term: 1, node_id: 1 }, 40);
        let committed = StoredMembership::new(Some(id), membership.clone());
        assert!(was_removed(10, &committed));
        assert!(!was_removed(20, &committed), "it is a member");
        assert!(!was_removed(41, &committed), "it may be one by now");
        assert!(!was_removed(10, &StoredMembership::new(None, membership)));
    }
}
