//! The scheduler: sleeps until something is due, and proposes ticks that work it off.

use std::time::Duration;

use holdfast_raft::{ProposeError, Replica};
use holdfast_reservations::{Command, Outcome, Tick, Timestamp};
use tokio::time::Instant;

/// A tick that takes longer is given up and proposed again.
const TICK_DURATION_MAX: Duration = Duration::from_secs(2);

/// Longest sleep: agreed time may catch up with the wall clock meanwhile.
const SLEEP_DURATION_MAX: Duration = Duration::from_secs(1);

/// Between a tick that found nothing to do, or that failed, and the next.
const PAUSE: Duration = Duration::from_millis(50);

/// The scheduler of one tenure.
pub(crate) struct Scheduler {
    replica: Replica,
    /// Every tenure begins with a tick: it stamps the time, so that what expired while nobody led is seen to have.
    has_stamped: bool,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Tick,
    Sleep(Duration),
}

impl Scheduler {
    pub(crate) fn new(replica: Replica) -> Self {
        Self { replica, has_stamped: false }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let (due_at, now) = self.replica.due();
            match next_step(due_at, now, self.has_stamped) {
                Step::Tick => self.tick().await,
                Step::Sleep(duration) => {
                    let changed = self.replica.due_changed(due_at);
                    drop(tokio::time::timeout(duration, changed).await);
                }
            }
        }
    }

    async fn tick(&mut self) {
        let deadline = Instant::now() + TICK_DURATION_MAX;
        match self.replica.propose_internal(Command::Tick(Tick), deadline).await {
            Ok(applied) => {
                self.has_stamped = true;
                // A tick that found nothing came too early: agreed time is a little behind ours. What another one did may
                // have made the next thing due already.
                if let Outcome::Ticked { handled: 0, .. } = applied.outcome {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Err(error) => {
                if !matches!(error, ProposeError::NotLeader | ProposeError::NoLeader) {
                    tracing::debug!(%error, "a tick was not applied");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn next_step(due_at: Option<Timestamp>, now: Timestamp, has_stamped: bool) -> Step {
    match due_at {
        _ if !has_stamped => Step::Tick,
        None => Step::Sleep(SLEEP_DURATION_MAX),
        Some(due_at) if due_at <= now => Step::Tick,
        Some(due_at) => Step::Sleep(Duration::from_millis(due_at.since(now).0).min(SLEEP_DURATION_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ticks_when_something_is_due_and_sleeps_until_then() {
        let at = |moment| Some(Timestamp(moment));
        assert_eq!(next_step(None, Timestamp(500), false), Step::Tick);
        assert_eq!(next_step(None, Timestamp(500), true), Step::Sleep(SLEEP_DURATION_MAX));
        assert_eq!(next_step(at(500), Timestamp(500), true), Step::Tick);
        assert_eq!(next_step(at(700), Timestamp(500), true), Step::Sleep(Duration::from_millis(200)));
        assert_eq!(next_step(at(99_000), Timestamp(500), true), Step::Sleep(SLEEP_DURATION_MAX));
    }
}
