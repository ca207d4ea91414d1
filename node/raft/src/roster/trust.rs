//! What a caller may do, judged by the key it has shown; and how long its connection may stay.

use std::sync::Arc;
use std::time::Duration;

use tonic::Status;

use super::Roster;
use crate::net::{IS_SECURED, Judge, OtherEnd};
use crate::own_key::PublicKey;

/// A caller that is no member has this long to be let in.
pub(crate) const STRANGER_DURATION_MAX: Duration = Duration::from_secs(30);

impl Roster {
    /// Refuses a caller that is not the member it calls itself, and says what is wrong.
    pub(crate) fn check(&self, from: u64, caller: OtherEnd) -> Result<(), Status> {
        match caller.key {
            None if !IS_SECURED => Ok(()),
            Some(key) if self.is_key_of(from, &key) => Ok(()),
            Some(key) => Err(Status::unauthenticated(self.why_not(from, &key))),
            None => Err(Status::unauthenticated("only nodes call here")),
        }
    }

    fn why_not(&self, from: u64, key: &PublicKey) -> String {
        let own = self.own;
        if let Some(other) = self.node_of(key) {
            return format!("node {other} of cluster {} calls itself node {from}", own.cluster);
        }
        self.wonders.notify_one();
        if self.is_member(from) {
            return format!(
                "this is not the key of node {from} of cluster {}: it belongs to another data folder",
                own.cluster
            );
        }
        format!(
            "node {from} is not a member of cluster {}, as far as node {} knows: it was removed, or it is new here",
            own.cluster, own.node
        )
    }

    /// Takes only the key of a node, on a connection to it. Who is just being let in may be known to the caller first.
    pub(crate) fn judge(self: &Arc<Self>, node: u64, address: &str, known: Option<PublicKey>) -> Judge {
        let (roster, address) = (self.clone(), address.to_owned());
        Arc::new(move |key| {
            if roster.is_key_of(node, key) || (known == Some(*key) && !roster.is_member(node)) {
                return Ok(());
            }
            roster.wonders.notify_one();
            let cluster = roster.own.cluster;
            Err(match roster.node_of(key) {
                Some(other) => format!("at {address} is node {other}, not node {node}"),
                None => format!(
                    "at {address} is somebody who has not the key of node {node} of cluster {cluster}"
                ),
            })
        })
    }

    /// Ends when the key is a member's.
    pub(crate) async fn becomes_member(&self, key: PublicKey) {
        self.until(|roster| roster.node_of(&key).is_some()).await;
    }

    /// Ends when the key is a member's no longer.
    pub(crate) async fn while_member(&self, key: PublicKey) {
        self.until(|roster| roster.node_of(&key).is_none()).await;
        tracing::info!("a connection is cut: the key at its other end is no longer a member's");
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let (mut seen, mut told) = (self.seen.clone(), self.told.subscribe());
        loop {
            if holds(self) {
                return;
            }
            let changed = tokio::select! {
                changed = seen.changed() => changed,
                changed = told.changed() => changed,
            };
            if changed.is_err() {
                // This node is stopping; nothing changes any more.
                return std::future::pending().await;
            }
        }
    }
}
