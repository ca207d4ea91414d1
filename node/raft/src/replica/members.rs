//! Changes of the members, as operators want them: taken up by whoever leads, asked for at any node.

use std::time::Duration;

use holdfast_proto::raft as wire;
use tokio::time::Instant;

use super::{PAUSE_FIRST, Replica};
use crate::members::{Attempt, Change, ChangeError, Goal, RefusalCode, attempt_from_wire, goal_to_wire};
use crate::peers::Purpose;
use crate::removal::Removed;
use crate::watch::Leadership;

/// The leader answers at its caller's deadline; its answer may take this long to arrive.
const REPLY_DURATION_MAX: Duration = Duration::from_millis(500);

impl Replica {
    /// The steps that a goal takes, as things are; nothing is done.
    ///
    /// # Errors
    ///
    /// [`ChangeError::Refused`] if it would be refused, [`ChangeError::Unavailable`] if nobody can tell.
    pub async fn plan_members(&self, goal: Goal, deadline: Instant) -> Result<Change, ChangeError> {
        self.until_answered(goal, true, deadline).await
    }

    /// Takes up a goal and waits until it is reached, or until `deadline`: then it says what is left, and whoever leads
    /// goes on with it. Asking for the same again is safe, at any node.
    ///
    /// # Errors
    ///
    /// See [`ChangeError`].
    pub async fn change_members(&self, goal: Goal, deadline: Instant) -> Result<Change, ChangeError> {
        self.until_answered(goal, false, deadline).await
    }

    /// Completes when this node has learnt that it was removed from the cluster.
    pub async fn removed(&self) -> Removed {
        let mut removed = self.parts.removed.clone();
        match removed.wait_for(Option::is_some).await.map(|removed| *removed) {
            Ok(Some(removed)) => removed,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Whether this node has learnt that.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.parts.removed.borrow().is_some()
    }

    /// Hands leadership to the voter that is there and furthest, if this node leads; for a clean stop. If none is there
    /// it keeps it: the others would only wait for one that cannot take it.
    pub async fn step_down(&self) {
        if self.leadership().is_own {
            self.parts.members.step_down().await;
        }
    }

    async fn until_answered(
        &self,
        goal: Goal,
        is_dry_run: bool,
        deadline: Instant,
    ) -> Result<Change, ChangeError> {
        let asked_under = self.leadership();
        let (mut is_begun, mut was_member, mut pause) = (false, false, PAUSE_FIRST);
        loop {
            was_member |= self.is_about_member(goal);
            if self.is_removed() {
                if !is_dry_run && goes(goal) == Some(self.identity().node) {
                    // It was asked to take itself away, and nobody knows better that this is done.
                    return Ok(Change::default());
                }
                let says = "this node was removed from the cluster; ask another".to_owned();
                return Err(if is_begun { ChangeError::Unknown } else { ChangeError::Unavailable(says) });
            }
            let error = match self.attempt(goal, is_dry_run, deadline).await {
                Attempt::Answered(change) => return Ok(change),
                // What was begun before is done: whoever is gone is unknown, whoever was to lead does.
                Attempt::Failed(error) if is_begun && is_done_by(goal, &error, was_member) => {
                    return Ok(Change::default());
                }
                Attempt::Failed(error @ ChangeError::Refused { .. }) => return Err(error),
                Attempt::Failed(ChangeError::Unknown) => {
                    is_begun |= !is_dry_run;
                    ChangeError::Unknown
                }
                Attempt::Failed(error @ ChangeError::Unavailable(_)) => error,
                Attempt::NotLeader { is_begun: was_begun } => {
                    is_begun |= was_begun;
                    ChangeError::Unavailable("no leader is known at the moment; nothing was done".to_owned())
                }
            };
            if is_begun && goal == (Goal::Transfer { to: None }) {
                // Asked again, it would move once more.
                return self.moved_from(asked_under, deadline).await;
            }
            if !self.pause(&mut pause, deadline).await {
                return Err(if is_begun { ChangeError::Unknown } else { error });
            }
        }
    }

    /// Whether the node that a goal is about is a member, as far as this one knows. Nobody can be gone who never was.
    fn is_about_member(&self, goal: Goal) -> bool {
        let node = match goal {
            Goal::Remove { node }
            | Goal::Replace { node, .. }
            | Goal::Promote { node }
            | Goal::Drain { node }
            | Goal::Transfer { to: Some(node) } => node,
            Goal::Transfer { to: None } => return true,
        };
        self.parts.membership.borrow().get_node(&node).is_some()
    }

    async fn attempt(&self, goal: Goal, is_dry_run: bool, deadline: Instant) -> Attempt {
        let members = &self.parts.members;
        match self.leadership() {
            Leadership { is_own: true, .. } if is_dry_run => members.planned(goal, deadline).await,
            Leadership { is_own: true, .. } => members.change(goal, deadline).await,
            Leadership { leader: Some(leader), .. } => {
                self.ask_leader(leader, goal, is_dry_run, deadline).await
            }
            Leadership { leader: None, .. } => Attempt::NotLeader { is_begun: false },
        }
    }

    async fn ask_leader(&self, leader: u64, goal: Goal, is_dry_run: bool, deadline: Instant) -> Attempt {
        let Ok(mut client) = self.parts.peers.client(leader, Purpose::Control) else {
            return Attempt::NotLeader { is_begun: false };
        };
        let patience = deadline.saturating_duration_since(Instant::now());
        let request = wire::ControlRequest {
            goal: Some(goal_to_wire(goal)),
            dry_run: is_dry_run,
            patience_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
        };
        let mut leadership = self.watch_leadership();
        let asked = tokio::time::timeout(patience + REPLY_DURATION_MAX, client.control(request));
        tokio::select! {
            biased;
            asked = asked => match asked {
                Ok(Ok(reply)) => attempt_from_wire(reply.into_inner()),
                // It may have arrived.
                Ok(Err(_)) | Err(_) => Attempt::Failed(ChangeError::Unknown),
            },
            // A leader that is none any more may never answer.
            _ = leadership.wait_for(|now| now.leader.is_some_and(|now| now != leader)) => {
                Attempt::Failed(ChangeError::Unknown)
            }
        }
    }

    /// Whether leadership has moved since somebody was asked to hand it over.
    async fn moved_from(&self, before: Leadership, deadline: Instant) -> Result<Change, ChangeError> {
        let mut leadership = self.watch_leadership();
        let has_moved = |now: &Leadership| now.leader.is_some() && now.leader != before.leader;
        match tokio::time::timeout_at(deadline, leadership.wait_for(has_moved)).await {
            Ok(Ok(_)) => Ok(Change::default()),
            Ok(Err(_)) | Err(_) => Err(ChangeError::Unknown),
        }
    }
}

/// Who is gone once a goal is reached.
fn goes(goal: Goal) -> Option<u64> {
    match goal {
        Goal::Remove { node } | Goal::Replace { node, .. } => Some(node),
        Goal::Promote { .. } | Goal::Drain { .. } | Goal::Transfer { .. } => None,
    }
}

/// Whether a goal that may have been begun is reached when it is refused so. Nobody is gone who never was there.
fn is_done_by(goal: Goal, error: &ChangeError, was_member: bool) -> bool {
    match goal {
        Goal::Remove { .. } | Goal::Replace { .. } => was_member && error.is(RefusalCode::UnknownNode),
        Goal::Transfer { .. } => error.is(RefusalCode::AlreadyLeads),
        Goal::Promote { .. } | Goal::Drain { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_unknown_is_gone_only_if_he_was_there() {
        let refused = |code| ChangeError::Refused { code, says: String::new() };
        for goal in [Goal::Remove { node: 9 }, Goal::Replace { node: 9, by: None }] {
            assert!(is_done_by(goal, &refused(RefusalCode::UnknownNode), true));
            assert!(!is_done_by(goal, &refused(RefusalCode::UnknownNode), false), "a slip of the pen");
            assert!(!is_done_by(goal, &refused(RefusalCode::WouldLoseQuorum), true));
        }
        let transfer = Goal::Transfer { to: Some(9) };
        assert!(is_done_by(transfer, &refused(RefusalCode::AlreadyLeads), true));
        assert!(!is_done_by(transfer, &refused(RefusalCode::UnknownNode), true));
        assert!(!is_done_by(Goal::Drain { node: 9 }, &refused(RefusalCode::UnknownNode), true));
    }
}
