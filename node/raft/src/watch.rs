//! What this node sees of the cluster, for its own parts to wait on.

use std::sync::Arc;

use openraft::async_runtime::watch::WatchReceiver as _;
use tokio::sync::watch;

use crate::runtime::spawn;
use crate::types::{Membership, Metrics, Raft};

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
    /// Turns to the reason when the core has stopped for good.
    pub(crate) failure: watch::Receiver<Option<String>>,
}

impl Watches {
    pub(crate) fn start(raft: &Raft, own_id: u64, peers: watch::Sender<Arc<Membership>>) -> Self {
        let mut metrics = raft.metrics();
        let (leadership, leadership_changed) = watch::channel(Leadership::default());
        let (membership, membership_changed) = watch::channel(Arc::new(Membership::default()));
        let (failure, failed) = watch::channel(None);
        drop(spawn(async move {
            loop {
                let seen: Metrics = metrics.borrow_and_update().clone();
                leadership.send_if_modified(|known| replace(known, leadership_of(&seen, own_id)));
                let members = seen.membership_config.membership();
                if **membership.borrow() != *members {
                    let members = Arc::new(members.clone());
                    peers.send_replace(members.clone());
                    membership.send_replace(members);
                }
                if let Err(error) = &seen.running_state {
                    failure.send_replace(Some(error.to_string()));
                    return;
                }
                if metrics.changed().await.is_err() {
                    failure.send_replace(Some("the consensus core is gone".to_owned()));
                    return;
                }
            }
        }));
        Self { leadership: leadership_changed, membership: membership_changed, failure: failed }
    }
}

/// openraft's metrics as they are now. Copied at once: a borrowed one holds up the core.
pub(crate) fn metrics(raft: &Raft) -> Metrics {
    raft.metrics().borrow_watched().clone()
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
