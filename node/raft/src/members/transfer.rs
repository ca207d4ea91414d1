//! Hands leadership over. openraft neither looks at the target nor turns back: so the target is looked at first, nothing
//! new is proposed until it has everything, and what came of it is waited for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::goal::Refusal;
use super::plan::LAG_MAX;
use crate::types::Raft;
use crate::watch::{Leadership, metrics, present};

/// A target that has not everything by then is not given leadership.
const CATCH_UP_DURATION_MAX: Duration = Duration::from_secs(1);

/// Between two looks at what the target has.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// A successor that takes longer is not waited for.
const ARRIVAL_DURATION_MAX: Duration = Duration::from_secs(3);

/// A node that leads hands over no sooner than this after it began to lead, and after it last tried.
const TENURE_DURATION_MIN: Duration = Duration::from_secs(1);
const TRIAL_INTERVAL: Duration = Duration::from_secs(3);

/// Lets proposals through, or holds them for a moment: for as long as anybody wants it.
pub(crate) struct Gate(watch::Sender<usize>);

/// Tells how many hand-overs hold proposals.
pub(crate) type Holders = watch::Receiver<usize>;

impl Gate {
    pub(crate) fn new() -> (Self, Holders) {
        let (sender, holders) = watch::channel(0);
        (Self(sender), holders)
    }

    fn hold(self: &Arc<Self>) -> Held {
        self.0.send_modify(|holders| *holders += 1);
        Held(self.clone())
    }
}

/// Proposals are held until this is dropped, and all others like it.
struct Held(Arc<Gate>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.send_modify(|holders| *holders -= 1);
    }
}

/// When this node began to lead, and last tried to hand over.
#[derive(Default)]
struct Times {
    term: u64,
    led_since: Option<Instant>,
    tried_at: Option<Instant>,
}

/// Hands leadership over.
pub(super) struct Transfer {
    raft: Raft,
    leadership: watch::Receiver<Leadership>,
    gate: Arc<Gate>,
    times: Mutex<Times>,
}

impl Transfer {
    pub(super) fn new(raft: Raft, leadership: watch::Receiver<Leadership>, gate: Arc<Gate>) -> Self {
        Self { raft, leadership, gate, times: Mutex::default() }
    }

    /// Notes in which term this node leads.
    pub(super) fn leads(&self, term: u64) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if times.term != term || times.led_since.is_none() {
            (times.term, times.led_since) = (term, Some(Instant::now()));
        }
    }

    /// Whether leadership has rested long enough to move again: every move costs all callers a moment.
    pub(super) fn may_begin(&self) -> Result<(), Refusal> {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |since: Option<Instant>, length: Duration| {
            since.map_or(Duration::ZERO, |since| length.saturating_sub(since.elapsed()))
        };
        let rest = left(times.led_since, TENURE_DURATION_MIN).max(left(times.tried_at, TRIAL_INTERVAL));
        if rest.is_zero() { Ok(()) } else { Err(Refusal::TooSoon(rest)) }
    }

    /// Hands leadership to a voter, and waits until it has arrived, there or elsewhere.
    pub(super) async fn hand_over(&self, to: u64) -> Result<(), Refusal> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).tried_at = Some(Instant::now());
        let held = self.gate.hold();
        self.catch_up(to).await?;
        let mut leadership = self.leadership.clone();
        let failed = |leader| Err(Refusal::TransferFailed { to, leader });
        if self.raft.trigger().transfer_leader(to).await.is_err() {
            return failed(None);
        }
        let has_moved = |leadership: &Leadership| !leadership.is_own && leadership.leader.is_some();
        let arrived = tokio::time::timeout(ARRIVAL_DURATION_MAX, leadership.wait_for(has_moved)).await;
        drop(held);
        match arrived {
            Ok(Ok(leadership)) if leadership.leader == Some(to) => Ok(()),
            Ok(Ok(leadership)) => failed(leadership.leader),
            Ok(Err(_)) | Err(_) => failed(None),
        }
    }

    /// Waits until the target has all that this node has.
    async fn catch_up(&self, to: u64) -> Result<(), Refusal> {
        let deadline = Instant::now() + CATCH_UP_DURATION_MAX;
        loop {
            let metrics = metrics(&self.raft);
            let lag = present(&metrics)
                .get(&to)
                .map(|matched| metrics.last_log_index.unwrap_or(0).saturating_sub(*matched));
            match lag {
                Some(0) => return Ok(()),
                Some(1..=LAG_MAX) if Instant::now() < deadline => tokio::time::sleep(LOOK_INTERVAL).await,
                Some(lag) => return Err(Refusal::Lags { node: to, lag }),
                None => return Err(Refusal::Silent(to)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_hand_overs_the_first_to_end_does_not_open_the_gate_of_the_other() {
        let (gate, holders) = Gate::new();
        let gate = Arc::new(gate);
        let (first, second) = (gate.hold(), gate.hold());
        drop(first);
        assert_eq!(*holders.borrow(), 1);
        drop(second);
        assert_eq!(*holders.borrow(), 0);
    }
}
