//! What this node sees of the cluster, for its own parts to wait on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openraft::Instant as _;
use openraft::async_runtime::watch::WatchReceiver as _;
use tokio::sync::watch;

use crate::roster::Seen;
use crate::runtime::spawn;
use crate::types::{Membership, Metrics, Raft, StoredMembership};

/// Who leads, as far as this node knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    /// The leader.
    pub leader: Option<u64>,
    /// The term it leads.
    pub term: u64,
    /// Whether this node is the leader.
    pub is_own: bool,
}

/// Follows openraft's metrics and passes on what changed.
pub(crate) struct Watches {
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) membership: watch::Receiver<Arc<Membership>>,
    /// The last one that is certain to stay.
    pub(crate) committed: watch::Receiver<Arc<StoredMembership>>,
}

/// Where a part without which the node cannot go on says that it has ended. The first reason counts.
#[derive(Clone)]
pub(crate) struct Failing(Arc<watch::Sender<Option<String>>>);

impl Failing {
    pub(crate) fn new() -> (Self, watch::Receiver<Option<String>>) {
        let (sender, failure) = watch::channel(None);
        (Self(Arc::new(sender)), failure)
    }

    pub(crate) fn say(&self, reason: String) {
        self.0.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert(reason);
            is_first
        });
    }
}

impl Watches {
    pub(crate) fn start(raft: &Raft, own_id: u64, roster: watch::Sender<Seen>, failing: Failing) -> Self {
        let mut metrics = raft.metrics();
        let (leadership, leadership_changed) = watch::channel(Leadership::default());
        let (membership, membership_changed) = watch::channel(Arc::new(Membership::default()));
        let (committed, committed_changed) = watch::channel(Arc::new(StoredMembership::default()));
        drop(spawn(async move {
            loop {
                let seen: Metrics = metrics.borrow_and_update().clone();
                leadership.send_if_modified(|known| replace(known, leadership_of(&seen, own_id)));
                if *committed.borrow() != seen.committed_membership_config {
                    committed.send_replace(seen.committed_membership_config.clone());
                }
                let members = seen.membership_config.membership();
                if **membership.borrow() != *members {
                    membership.send_replace(Arc::new(members.clone()));
                }
                let index = seen.membership_config.log_id().map_or(0, |id| id.index + 1);
                let (membership, committed) = (membership.borrow().clone(), committed.borrow().clone());
                roster.send_if_modified(|known| replace(known, Seen { index, membership, committed }));
                if let Err(error) = &seen.running_state {
                    return failing.say(error.to_string());
                }
                if metrics.changed().await.is_err() {
                    return failing.say("the consensus core is gone".to_owned());
                }
            }
        }));
        Self { leadership: leadership_changed, membership: membership_changed, committed: committed_changed }
    }
}

/// openraft's metrics as they are now. Copied at once: a borrowed one holds up the core.
pub(crate) fn metrics(raft: &Raft) -> Metrics {
    raft.metrics().borrow_watched().clone()
}

/// A node that has acknowledged nothing for so long may be gone: many heartbeats.
const SILENCE_DURATION_MAX: Duration = Duration::from_secs(1);

/// The other nodes that a leader has lately heard from, and how far the log of each is known to be like its own.
pub(crate) fn present(metrics: &Metrics) -> BTreeMap<u64, u64> {
    let (Some(heartbeat), Some(replication)) = (&metrics.heartbeat, &metrics.replication) else {
        return BTreeMap::new();
    };
    let is_present = |node: &u64| {
        heartbeat.get(node).copied().flatten().is_some_and(|at| at.elapsed() <= SILENCE_DURATION_MAX)
    };
    let matched = replication.iter().filter(|(node, _)| **node != metrics.id && is_present(node));
    matched.filter_map(|(node, id)| Some((*node, id.as_ref()?.index))).collect()
}

fn leadership_of(metrics: &Metrics, own_id: u64) -> Leadership {
    let leader = metrics.current_leader;
    Leadership { leader, term: metrics.current_term, is_own: leader == Some(own_id) }
}

fn replace<T: PartialEq>(known: &mut T, seen: T) -> bool {
    let is_new = *known != seen;
    *known = seen;
    is_new
}
