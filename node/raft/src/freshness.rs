//! How old the state of this node may be, for reads that accept that, and whether anybody leads.
//!
//! Both are known from read indexes alone, and by this node's own clock: what a leader answered that a quorum confirmed,
//! and when it was asked. A message that arrives says less: it may be as old as the network or a stopped process made it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What this node knows of its own age.
pub(crate) struct Freshness(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// When a leader was last asked that answered.
    asked_at: Option<Instant>,
    /// The state shows all that was answered before this moment.
    fresh_at: Option<Instant>,
    /// It will show all that was answered before then, once it has applied this index.
    pending: Option<(u64, Instant)>,
}

impl Freshness {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Notes the read index that a confirmed leader gave, when it was asked, and how far the state is now.
    pub(crate) fn confirmed(&self, index: u64, asked_at: Instant, applied: Option<u64>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.asked_at = known.asked_at.max(Some(asked_at));
        known.settle(applied);
        // The older question is answered first.
        known.pending.get_or_insert((index, asked_at));
        known.settle(applied);
    }

    /// A state that has applied up to an index shows all that was answered before this moment; `None` if it was never
    /// known to be current.
    pub(crate) fn fresh_at(&self, applied: Option<u64>) -> Option<Instant> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.settle(applied);
        known.fresh_at
    }

    /// How long it is since a leader was asked that answered.
    pub(crate) fn since_confirmed(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).asked_at.map(|at| at.elapsed())
    }
}

impl Known {
    fn settle(&mut self, applied: Option<u64>) {
        if let Some((index, asked_at)) = self.pending
            && applied >= Some(index)
        {
            self.fresh_at = self.fresh_at.max(Some(asked_at));
            self.pending = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(freshness: &Freshness, applied: Option<u64>) -> Option<Duration> {
        freshness.fresh_at(applied).map(|at| at.elapsed())
    }

    async fn pass(millis: u64) -> Instant {
        tokio::time::advance(Duration::from_millis(millis)).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_is_as_old_as_the_last_read_index_it_has_caught_up_with() {
        let freshness = Freshness::new();
        assert_eq!(age(&freshness, Some(5)), None);
        assert_eq!(freshness.since_confirmed(), None);

        freshness.confirmed(5, pass(0).await, Some(5));
        freshness.confirmed(9, pass(100).await, Some(5));
        freshness.confirmed(12, pass(100).await, Some(8));
        assert_eq!(age(&freshness, Some(8)), Some(Duration::from_millis(200)));
        assert_eq!(age(&freshness, Some(9)), Some(Duration::from_millis(100)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_as_old_as_its_question() {
        let freshness = Freshness::new();
        let asked_at = pass(0).await;
        // As when the process was stopped in between.
        pass(10_000).await;
        freshness.confirmed(5, asked_at, Some(5));
        assert_eq!(age(&freshness, Some(5)), Some(Duration::from_secs(10)));
        assert_eq!(freshness.since_confirmed(), Some(Duration::from_secs(10)));
    }
}
