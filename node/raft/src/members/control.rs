//! What the leader does: goes on with whatever is wanted of the members, and takes up what operators want.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::execute::StepFailure;
use super::goal::{Change, ChangeError, Goal, Refusal};
use super::look::Look;
use super::plan::{Next, Step, candidate, next, plan};
use super::{HOW_TO_JOIN, Members, RefusalCode};
use crate::runtime::spawn;
use crate::watch::Leadership;

/// How often the leader looks whether there is something to do.
const CONTROL_INTERVAL: Duration = Duration::from_millis(200);

/// Between two looks at how far a goal has come.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A node that is only slow for a moment is no reason to refuse.
const REFUSAL_DURATION_MIN: Duration = Duration::from_millis(500);

/// A node that stops waits so long for a change of members before it hands leadership over.
const SETTLE_DURATION_MAX: Duration = Duration::from_millis(500);

/// One node's answer to a goal.
#[derive(Debug)]
pub(crate) enum Attempt {
    Answered(Change),
    Failed(ChangeError),
    /// Somebody else leads. If it was begun here, whoever leads goes on with it.
    NotLeader {
        is_begun: bool,
    },
}

impl Members {
    /// Goes on with whatever is to be done, for as long as this node leads.
    pub(crate) fn start(self: Arc<Self>, mut leadership: watch::Receiver<Leadership>) {
        drop(spawn(async move {
            loop {
                let Ok(own) = leadership.wait_for(|leadership| leadership.is_own).await.map(|own| *own)
                else {
                    return;
                };
                self.transfer.leads(own.term);
                let members = self.clone();
                let went_on = self.change.run(async move { members.go_on().await }).await;
                if went_on != Some(true) {
                    drop(tokio::time::timeout(CONTROL_INTERVAL, self.wake.notified()).await);
                }
            }
        }));
    }

    /// Takes the next step, if there is one.
    async fn go_on(&self) -> bool {
        let Some(look) = self.look().await else { return false };
        match next(&look.seen) {
            // Leadership rests a while between two moves.
            Next::Step(Step::Transfer { .. }) if self.transfer.may_begin().is_err() => false,
            Next::Step(step) => self.take(&look, step).await.is_ok(),
            Next::Nothing | Next::Newcomer { .. } | Next::Blocked(_) => false,
        }
    }

    /// Hands leadership over for a clean stop, however short this node has led.
    pub(crate) async fn step_down(&self) {
        let Some(look) = self.settled().await else { return };
        if let Ok([Step::Transfer { to }]) = plan(&look.seen, Goal::Transfer { to: None }).as_deref()
            && let Err(refusal) = self.transfer.hand_over(*to).await
        {
            tracing::warn!(%refusal, "leadership was not handed over");
        }
    }

    /// Looks when what is under way is committed, if that takes only a moment.
    async fn settled(&self) -> Option<Look> {
        let until = Instant::now() + SETTLE_DURATION_MAX;
        loop {
            match self.look().await {
                None if Instant::now() < until => tokio::time::sleep(LOOK_INTERVAL).await,
                look => return look,
            }
        }
    }

    /// The steps to a goal; on the leader only.
    pub(crate) async fn planned(&self, goal: Goal, deadline: Instant) -> Attempt {
        match self.plan_for(goal, deadline).await {
            Ok((_, steps)) => Attempt::Answered(Change { steps: shown(&steps), waits_for: None }),
            Err(attempt) => attempt,
        }
    }

    /// Takes up a goal, and waits until it is reached or the caller's time is up; on the leader only.
    pub(crate) async fn change(self: &Arc<Self>, goal: Goal, deadline: Instant) -> Attempt {
        match self.take_up(goal, deadline).await {
            Ok(Taken::Done) => return Attempt::Answered(Change::default()),
            Ok(Taken::Begun) => (),
            Err(attempt) => return attempt,
        }
        loop {
            self.wake.notify_one();
            if !self.leadership.borrow().is_own {
                return Attempt::NotLeader { is_begun: true };
            }
            let left = self.look().await.map(|look| left_of(&look, goal));
            match left {
                Some((change, turn)) if turn == Turn::Operators || deadline <= Instant::now() => {
                    return Attempt::Answered(change);
                }
                None if deadline <= Instant::now() => return Attempt::Failed(ChangeError::Unknown),
                Some(_) | None => tokio::time::sleep(LOOK_INTERVAL).await,
            }
        }
    }

    /// Takes the first step if it is the operator's to take; the others follow by themselves.
    async fn take_up(self: &Arc<Self>, goal: Goal, deadline: Instant) -> Result<Taken, Attempt> {
        loop {
            // Looked at and refused without keeping anybody out.
            let (_, steps) = self.plan_for(goal, deadline).await?;
            if steps.is_empty() {
                return Ok(Taken::Done);
            }
            let members = self.clone();
            let taken = self.change.run(async move { members.take_first(goal).await }).await;
            match taken {
                Some(Ok(taken)) => return Ok(taken),
                Some(Err(StepFailure::NotLeader)) => return Err(Attempt::NotLeader { is_begun: false }),
                Some(Err(StepFailure::Unknown)) => return Err(Attempt::Failed(ChangeError::Unknown)),
                // Leadership rests a while between two moves, which a caller with time can wait for.
                Some(Err(StepFailure::Refused(Refusal::TooSoon(rest))))
                    if Instant::now() + rest < deadline =>
                {
                    tokio::time::sleep(rest).await;
                }
                Some(Err(StepFailure::Refused(refusal))) => return Err(Attempt::Failed(refusal.into())),
                // Somebody else was faster, or still is at it.
                Some(Err(StepFailure::Overtaken)) | None if Instant::now() < deadline => {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
                Some(Err(StepFailure::Overtaken)) | None => {
                    let says = "another change of members is under way; nothing was done".to_owned();
                    return Err(Attempt::Failed(ChangeError::Unavailable(says)));
                }
            }
        }
    }

    async fn take_first(&self, goal: Goal) -> Result<Taken, StepFailure> {
        let look = self.look().await.ok_or(StepFailure::Overtaken)?;
        let steps = plan(&look.seen, goal).map_err(StepFailure::Refused)?;
        let is_transfer = matches!(goal, Goal::Transfer { .. });
        match steps.first() {
            None => Ok(Taken::Done),
            Some(Step::Finish) => {
                self.take(&look, Step::Finish).await?;
                // Now for what was asked.
                Err(StepFailure::Overtaken)
            }
            Some(Step::Transfer { .. }) if !is_transfer => Ok(Taken::Begun),
            Some(
                step @ (Step::Mark { .. }
                | Step::Promote { .. }
                | Step::Forget { .. }
                | Step::Transfer { .. }),
            ) => {
                self.take(&look, *step).await?;
                Ok(if steps.len() == 1 { Taken::Done } else { Taken::Begun })
            }
            Some(Step::Demote { .. } | Step::Swap { .. } | Step::Await { .. }) => Ok(Taken::Begun),
        }
    }

    /// Plans, again and again while a refusal may be due to somebody who is only slow.
    async fn plan_for(&self, goal: Goal, deadline: Instant) -> Result<(Look, Vec<Step>), Attempt> {
        if !self.is_confirmed().await {
            if !self.leadership.borrow().is_own {
                return Err(Attempt::NotLeader { is_begun: false });
            }
            let says = "no majority of the voters confirms that this node leads; nothing was done".to_owned();
            return Err(Attempt::Failed(ChangeError::Unavailable(says)));
        }
        let patient_until = deadline.min(Instant::now() + REFUSAL_DURATION_MIN);
        loop {
            let says = match self.look().await {
                Some(look) => match plan(&look.seen, goal) {
                    Ok(steps) => return Ok((look, steps)),
                    Err(refusal) if may_pass(&refusal) && Instant::now() < patient_until => None,
                    Err(refusal) => Some(ChangeError::from(refusal)),
                },
                None if Instant::now() < deadline => None,
                None => {
                    let says = "another change of members is under way; nothing was done".to_owned();
                    Some(ChangeError::Unavailable(says))
                }
            };
            match says {
                Some(error) => return Err(Attempt::Failed(error)),
                None => tokio::time::sleep(LOOK_INTERVAL).await,
            }
        }
    }
}

/// What came of taking up a goal.
enum Taken {
    Done,
    Begun,
}

/// Whose turn it is: nothing more comes of waiting when it is the operator's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Operators,
    Leaders,
}

/// What is left to do for a goal that was taken up.
fn left_of(look: &Look, goal: Goal) -> (Change, Turn) {
    let steps = match plan(&look.seen, goal) {
        Ok(steps) => steps,
        // It is gone, as it was to be.
        Err(Refusal::UnknownNode(_)) => Vec::new(),
        Err(refusal) => {
            let change = Change { steps: vec![goal.to_string()], waits_for: Some(refusal.to_string()) };
            return (change, Turn::Leaders);
        }
    };
    let (waits_for, turn) = match (steps.first(), next(&look.seen)) {
        (None, _) => (None, Turn::Operators),
        (Some(Step::Await { node }), _) => match candidate(&look.seen, *node) {
            Some((by, lag)) => {
                (Some(format!("node {by} still lacks {lag} entries of the log")), Turn::Leaders)
            }
            None => (Some(newcomer_for(*node)), Turn::Operators),
        },
        (Some(_), Next::Blocked(refusal)) => (Some(refusal.to_string()), Turn::Leaders),
        (Some(_), Next::Nothing | Next::Step(_) | Next::Newcomer { .. }) => (None, Turn::Leaders),
    };
    (Change { steps: shown(&steps), waits_for }, turn)
}

fn newcomer_for(node: u64) -> String {
    format!(
        "no learner could take the place of node {node}. Start a new node with an empty data folder, at \
         the same address or another: {HOW_TO_JOIN}"
    )
}

/// Whether waiting a moment may help.
fn may_pass(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::WouldLoseQuorum { .. }
            | Refusal::Lags { .. }
            | Refusal::Silent(_)
            | Refusal::NoSuccessor(_)
            | Refusal::UnderWay(_)
    )
}

fn shown(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::to_string).collect()
}

impl ChangeError {
    /// Whether it is a refusal of this kind.
    #[must_use]
    pub fn is(&self, wanted: RefusalCode) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == wanted)
    }
}
