//! Who belongs to the cluster. Only the leader decides, one thing at a time: it lets nodes in as learners, promotes them
//! when they have caught up, and does what operators want. What is wanted of each member stands in the membership
//! itself; a change that a crash leaves half done is gone on with by whoever leads then.

mod control;
mod execute;
mod goal;
mod judge;
mod look;
mod plan;
mod rekey;
mod transfer;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use holdfast_storage::identity::Membership as NodeIdentity;
use openraft::{ChangeMembers, Precondition};
use tokio::sync::{Notify, watch};

use crate::one_at_a_time::OneAtATime;
use crate::reads::own_index;
use crate::types::{Member, Raft};
use crate::watch::Leadership;

use self::judge::judge;
use self::transfer::Transfer;

pub(crate) use control::Attempt;
pub use goal::{Change, ChangeError, Goal, RefusalCode, Wish};
pub(crate) use judge::{from_wire, to_wire};
pub(crate) use look::wish_of;
pub(crate) use transfer::{Gate, Holders};
pub(crate) use wire::{attempt_from_wire, attempt_to_wire, goal_from_wire, goal_to_wire};

/// Voters at most: every commit waits for a majority of them.
pub const VOTERS_MAX: usize = 5;

/// How somebody new is started.
pub(crate) const HOW_TO_JOIN: &str = "holdfast start --data-dir DIR --join HOST:PORT; over a network also --join-token-file FILE, with \
                           what holdfast cluster token prints";

/// A change that takes longer is left to itself; the leader looks again.
const CHANGE_DURATION_MAX: Duration = Duration::from_secs(10);

/// A leader that is not confirmed within this time decides nothing.
const CONFIRM_DURATION_MAX: Duration = Duration::from_secs(1);

/// The members, as the leader changes them.
pub(crate) struct Members {
    own: NodeIdentity,
    raft: Raft,
    leadership: watch::Receiver<Leadership>,
    transfer: Transfer,
    change: OneAtATime,
    /// There may be something to do.
    wake: Notify,
}

/// What a node that asks to be let in is told.
pub(crate) enum Admission {
    Admitted(NodeIdentity),
    Refused(String),
    TryLater(String),
}

/// A node that asks to be let in.
pub(crate) struct Applicant {
    pub(crate) member: Member,
    /// The node that its folder says it is, and of which cluster.
    pub(crate) claims: Option<NodeIdentity>,
}

impl Members {
    pub(crate) fn new(
        own: NodeIdentity,
        raft: Raft,
        leadership: watch::Receiver<Leadership>,
        gate: Arc<Gate>,
    ) -> Self {
        let transfer = Transfer::new(raft.clone(), leadership.clone(), gate);
        Self { own, raft, leadership, transfer, change: OneAtATime::new(), wake: Notify::new() }
    }

    /// Answers an applicant if that takes no change of members; on the leader only. It keeps nobody out meanwhile, whoever
    /// asks.
    pub(crate) async fn judge(&self, applicant: &Applicant) -> Option<Admission> {
        // A node that leads no more and does not know it must not send anybody away for good.
        if !self.is_confirmed().await {
            return Some(Admission::TryLater("no quorum confirms that this node leads".to_owned()));
        }
        // What is not committed yet may never be.
        let Some(look) = self.look().await else { return Some(under_way()) };
        judge(self.own.cluster, look.stored.membership(), applicant)
    }

    /// Lets somebody in who may come in and is nobody yet; on the leader only. He may go away meanwhile: an admission is
    /// not left halfway.
    pub(crate) async fn admit(self: &Arc<Self>, applicant: Applicant) -> Admission {
        let members = self.clone();
        let admitted = self.change.run(async move { members.add_if_nobody(applicant).await }).await;
        self.wake.notify_one();
        admitted.unwrap_or_else(under_way)
    }

    async fn add_if_nobody(&self, applicant: Applicant) -> Admission {
        let Some(look) = self.look().await else { return under_way() };
        match judge(self.own.cluster, look.stored.membership(), &applicant) {
            // The members are others than a moment ago: he is to ask again.
            Some(_) => under_way(),
            None => self.add(applicant.member, look.guard()).await,
        }
    }

    /// A node gets its id before its place. Nothing else may change the members in between: so a membership that was
    /// made after an id was given, and does not have it, is of after its removal.
    async fn add(&self, member: Member, guard: [Precondition<crate::types::Types>; 1]) -> Admission {
        // Ids come from committed log indexes: none is ever given twice.
        let blank = tokio::time::timeout(CHANGE_DURATION_MAX, self.raft.write_blank()).await;
        let Ok(Ok(written)) = blank else {
            return Admission::TryLater("no quorum to give a node id".to_owned());
        };
        let node = written.log_id.index;
        let added = ChangeMembers::AddNodes([(node, member)].into());
        let added = self.raft.change_membership_if(added, true, guard);
        match tokio::time::timeout(CHANGE_DURATION_MAX, added).await {
            Ok(Ok(_)) => {
                tracing::info!(node, "a node was admitted as learner");
                Admission::Admitted(NodeIdentity { cluster: self.own.cluster, node })
            }
            Ok(Err(error)) => Admission::TryLater(error.to_string()),
            Err(_) => Admission::TryLater("no quorum to admit a node".to_owned()),
        }
    }

    /// Whether this node certainly leads.
    async fn is_confirmed(&self) -> bool {
        matches!(tokio::time::timeout(CONFIRM_DURATION_MAX, own_index(&self.raft)).await, Ok(Ok(_)))
    }
}

fn under_way() -> Admission {
    Admission::TryLater("another change of members is under way".to_owned())
}
