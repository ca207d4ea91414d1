//! Takes one step, if the members are still those it was planned for.

use std::collections::{BTreeMap, BTreeSet};

use openraft::ChangeMembers;
use openraft::errors::{ClientWriteError, RaftError};

use super::goal::{Refusal, Wish};
use super::look::{Look, wanted};
use super::plan::Step;
use super::{CHANGE_DURATION_MAX, Members};
use crate::types::Member;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepFailure {
    #[error("this node does not lead")]
    NotLeader,
    #[error("somebody else has changed the members meanwhile")]
    Overtaken,
    #[error("nobody knows yet whether it was done")]
    Unknown,
    #[error(transparent)]
    Refused(Refusal),
}

impl Members {
    /// Takes a step.
    pub(super) async fn take(&self, look: &Look, step: Step) -> Result<(), StepFailure> {
        let taken = match (change_of(look, step), step) {
            (Some(change), _) => self.write(look, change).await,
            (None, Step::Transfer { to }) => self.hand_over(to).await.map_err(StepFailure::Refused),
            // Nothing that a leader can do.
            (None, _) => return Ok(()),
        };
        match &taken {
            Ok(()) => tracing::info!(%step, "the members were changed"),
            Err(failure) => tracing::warn!(%step, ?failure, "a step was not taken"),
        }
        taken
    }

    async fn hand_over(&self, to: u64) -> Result<(), Refusal> {
        self.transfer.may_begin()?;
        self.transfer.hand_over(to).await
    }

    pub(super) async fn write(
        &self,
        look: &Look,
        change: ChangeMembers<u64, Member>,
    ) -> Result<(), StepFailure> {
        // Whoever stops voting still learns; it is struck off in a step of its own.
        let changed = self.raft.change_membership_if(change, true, look.guard());
        match tokio::time::timeout(CHANGE_DURATION_MAX, changed).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(RaftError::APIError(error))) => Err(match error {
                ClientWriteError::ForwardToLeader(_) => StepFailure::NotLeader,
                ClientWriteError::LogEntryDiscarded(_) => StepFailure::Unknown,
                ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_) => {
                    StepFailure::Overtaken
                }
            }),
            Ok(Err(RaftError::Fatal(_))) | Err(_) => Err(StepFailure::Unknown),
        }
    }
}

/// The change of the membership that a step is, if it is one.
fn change_of(look: &Look, step: Step) -> Option<ChangeMembers<u64, Member>> {
    let mark = |node: u64, wish: Wish| {
        let member = look.stored.membership().get_node(&node).map(|member| wanted(member, wish));
        ChangeMembers::SetNodes(member.map(|member| (node, member)).into_iter().collect::<BTreeMap<_, _>>())
    };
    let one = |node: u64| BTreeSet::from([node]);
    Some(match step {
        // Adding nobody turns a joint configuration into the plain one it was to become.
        Step::Finish => ChangeMembers::AddVoterIds(BTreeSet::new()),
        Step::Mark { node, wish } => mark(node, wish),
        Step::Promote { node } => {
            ChangeMembers::Batch(vec![mark(node, Wish::Votes), ChangeMembers::AddVoterIds(one(node))])
        }
        Step::Demote { node } => ChangeMembers::RemoveVoters(one(node)),
        Step::Swap { node, by } => ChangeMembers::Batch(vec![
            mark(by, Wish::Votes),
            ChangeMembers::AddVoterIds(one(by)),
            ChangeMembers::RemoveVoters(one(node)),
        ]),
        Step::Forget { node } => ChangeMembers::RemoveNodes(one(node)),
        Step::Transfer { .. } | Step::Await { .. } => return None,
    })
}
