//! Agreed time between two entries: what was last applied or heard from the leader, and how long ago that was. Tokens and
//! signed URLs are judged by it, so that they expire on every node of an idle cluster.

use std::sync::{Mutex, PoisonError};

use holdfast_reservations::{Millis, Timestamp};
use tokio::time::Instant;

/// What this node last heard agreed time to be, and when.
pub(crate) struct AgreedTime(Mutex<(Timestamp, Instant)>);

impl AgreedTime {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((Timestamp::default(), Instant::now())))
    }

    /// Notes what the leader said, or what was applied.
    pub(crate) fn heard(&self, time: Timestamp, at: Instant) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if time > goes_on(*last, at) {
            *last = (time, at);
        }
    }

    /// Agreed time now.
    pub(crate) fn now(&self) -> Timestamp {
        goes_on(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Instant::now())
    }
}

fn goes_on((time, at): (Timestamp, Instant), now: Instant) -> Timestamp {
    let elapsed = now.saturating_duration_since(at).as_millis();
    time.plus(Millis(u64::try_from(elapsed).unwrap_or(u64::MAX)))
}
