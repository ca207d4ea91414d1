//! Simulated time, and the wall clocks of machines, which may be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use holdfast_raft::WallClock;

/// What right wall clocks show when a simulation begins: 1 June 2026, 08:00 UTC.
pub const EPOCH_MS: u64 = 1_780_300_800_000;

/// How long a tick is.
pub const TICK: Duration = Duration::from_millis(1);

/// Milliseconds since the start. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct WorldTime(Arc<AtomicU64>);

impl WorldTime {
    /// Milliseconds since the start.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// What a right wall clock shows.
    #[must_use]
    pub fn true_ms(&self) -> u64 {
        EPOCH_MS + self.now_ms()
    }

    /// Goes on by a tick.
    pub fn tick(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The wall clock of a machine. Clones are the same.
#[derive(Clone, Debug)]
pub struct Clock {
    time: WorldTime,
    /// How far it is ahead; behind if negative.
    offset_ms: Arc<AtomicI64>,
    /// By how many thousandths it goes faster or slower, and since when.
    drift_permille: Arc<AtomicI64>,
    drifts_since_ms: Arc<AtomicU64>,
}

impl Clock {
    /// A right one.
    #[must_use]
    pub fn new(time: WorldTime) -> Self {
        Self {
            time,
            offset_ms: Arc::default(),
            drift_permille: Arc::default(),
            drifts_since_ms: Arc::default(),
        }
    }

    /// Sets it so far ahead of the right time, or behind.
    pub fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
        self.drifts_since_ms.store(self.time.now_ms(), Ordering::Relaxed);
    }

    /// Lets it go so many thousandths faster from now on, or slower.
    pub fn set_drift(&self, permille: i64) {
        self.set_offset(self.offset_ms());
        self.drift_permille.store(permille, Ordering::Relaxed);
    }

    /// Sets it right, and lets it go right.
    pub fn set_right(&self) {
        self.set_drift(0);
        self.set_offset(0);
    }

    /// Whether it is wrong, or goes wrong.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.offset_ms() != 0 || self.drift_permille.load(Ordering::Relaxed) != 0
    }

    /// How far it is ahead.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        let drifts_for_ms = self.time.now_ms() - self.drifts_since_ms.load(Ordering::Relaxed);
        let drifted = drifts_for_ms as i64 * self.drift_permille.load(Ordering::Relaxed) / 1000;
        self.offset_ms.load(Ordering::Relaxed) + drifted
    }
}

impl WallClock for Clock {
    fn now_ms(&self) -> u64 {
        self.time.true_ms().saturating_add_signed(self.offset_ms())
    }
}
