//! How old the state of this node may be, for reads that accept that.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What a follower has heard of the leader's progress.
pub(crate) struct Freshness(Mutex<Heard>);

struct Heard {
    /// The state was current at this moment.
    fresh_at: Option<Instant>,
    /// It will turn out to have been current then, once it has applied this index.
    pending: Option<(u64, Instant)>,
}

impl Freshness {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Heard { fresh_at: None, pending: None }))
    }

    /// Notes that the leader had committed up to an index when it last spoke.
    pub(crate) fn heard(&self, committed: u64, applied: Option<u64>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.settle(applied);
        let now = Instant::now();
        match heard.pending {
            _ if applied >= Some(committed) => heard.fresh_at = Some(now),
            // The older question is answered first.
            Some(_) => (),
            None => heard.pending = Some((committed, now)),
        }
    }

    /// Notes that the state is current: this node leads, and a quorum has just said so.
    pub(crate) fn confirmed(&self, at: Instant) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.fresh_at = heard.fresh_at.max(Some(at));
    }

    /// How old a state that has applied up to an index may be; `None` if it was never known to be current.
    pub(crate) fn age(&self, applied: Option<u64>) -> Option<Duration> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.settle(applied);
        heard.fresh_at.map(|at| at.elapsed())
    }
}

impl Heard {
    fn settle(&mut self, applied: Option<u64>) {
        if let Some((committed, at)) = self.pending
            && applied >= Some(committed)
        {
            self.fresh_at = self.fresh_at.max(Some(at));
            self.pending = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_state_is_as_old_as_the_last_commit_it_has_caught_up_with() {
        let freshness = Freshness::new();
        assert_eq!(freshness.age(Some(5)), None);

        freshness.heard(5, Some(5));
        tokio::time::advance(Duration::from_millis(100)).await;
        freshness.heard(9, Some(5));
        tokio::time::advance(Duration::from_millis(100)).await;
        freshness.heard(12, Some(8));
        assert_eq!(freshness.age(Some(8)), Some(Duration::from_millis(200)));
        assert_eq!(freshness.age(Some(9)), Some(Duration::from_millis(100)));
    }
}
