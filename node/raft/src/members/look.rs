//! The members as the leader sees them now: what is agreed, and who is there.

use std::collections::BTreeMap;

use openraft::Precondition;

use super::Members;
use super::goal::Wish;
use super::plan::Seen;
use crate::types::{Leaving, Member, Metrics, StoredMembership, Types};
use crate::watch::{metrics, present};

/// What was seen, and of which membership that is.
pub(super) struct Look {
    pub(super) stored: StoredMembership,
    pub(super) seen: Seen,
}

impl Members {
    /// Looks; `None` while a change is not committed, or if the core is gone.
    pub(super) async fn look(&self) -> Option<Look> {
        let state = self.raft.with_raft_state(|state| {
            let members = &state.membership_state;
            (members.committed() == members.effective()).then(|| (**members.committed()).clone())
        });
        let stored = state.await.ok().flatten()?;
        let seen = seen_in(&stored, &metrics(&self.raft));
        Some(Look { stored, seen })
    }
}

impl Look {
    /// Holds as long as nobody has changed the membership since.
    pub(super) fn guard(&self) -> [Precondition<Types>; 1] {
        [Precondition::LastMembershipLogId { last_membership_log_id: *self.stored.log_id() }]
    }
}

pub(super) fn seen_in(stored: &StoredMembership, metrics: &Metrics) -> Seen {
    let membership = stored.membership();
    let configurations = membership.get_joint_config();
    let last = metrics.last_log_index.unwrap_or(0);
    let lag = |(node, matched): (u64, u64)| (node, last.saturating_sub(matched));
    let mut lags: BTreeMap<u64, u64> = present(metrics).into_iter().map(lag).collect();
    lags.insert(metrics.id, 0);
    Seen {
        leader: metrics.id,
        is_joint: configurations.len() > 1,
        voters: configurations.last().cloned().unwrap_or_default(),
        members: membership.nodes().map(|(node, member)| (*node, wish_of(member))).collect(),
        lags,
    }
}

pub(crate) fn wish_of(member: &Member) -> Wish {
    match (member.leaving, member.stays_learner) {
        (Some(Leaving::Removed), _) => Wish::Removed,
        (Some(Leaving::Replaced { by }), _) => Wish::Replaced { by },
        (None, true) => Wish::Learns,
        (None, false) => Wish::Votes,
    }
}

/// A member of which something else is wanted.
pub(super) fn wanted(member: &Member, wish: Wish) -> Member {
    let (leaving, stays_learner) = match wish {
        Wish::Votes => (None, false),
        Wish::Learns => (None, true),
        Wish::Removed => (Some(Leaving::Removed), member.stays_learner),
        Wish::Replaced { by } => (Some(Leaving::Replaced { by }), member.stays_learner),
    };
    Member { leaving, stays_learner, ..member.clone() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use openraft::Instant as _;

    use super::*;
    use crate::types::{LeaderId, LogId, Membership};

    type Instant = <crate::runtime::Runtime as openraft::AsyncRuntime>::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_node_that_fell_silent_is_not_there_however_far_it_came() {
        let nodes = BTreeMap::from([1, 5].map(|node| (node, Member::default())));
        let membership = Membership::new(vec![BTreeSet::from([1])], nodes).unwrap();
        let stored = StoredMembership::new(None, membership);
        let mut metrics = Metrics::new_initial(1);
        metrics.membership_config = Arc::new(stored.clone());
        metrics.last_log_index = Some(1000);
        metrics.heartbeat = Some(BTreeMap::from([(5, Some(Instant::now().into()))]));
        let id = LogId::new(LeaderId { term: 1, node_id: 1 }, 700);
        metrics.replication = Some(BTreeMap::from([(1, Some(id)), (5, Some(id))]));
        assert_eq!(seen_in(&stored, &metrics).lags, BTreeMap::from([(1, 0), (5, 300)]));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(seen_in(&stored, &metrics).lags, BTreeMap::from([(1, 0)]));
    }

    #[test]
    fn a_wish_is_kept_in_the_member() {
        for wish in [Wish::Votes, Wish::Learns, Wish::Removed, Wish::Replaced { by: Some(7) }] {
            for stays_learner in [false, true] {
                let member = Member { stays_learner, ..Member::default() };
                assert_eq!(wish_of(&wanted(&member, wish)), wish);
            }
        }
    }
}
