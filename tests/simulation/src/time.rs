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
}

impl Clock {
    /// A right one.
    #[must_use]
    pub fn new(time: WorldTime) -> Self {
        Self { time, offset_ms: Arc::default() }
    }

    /// Sets it so far ahead of the right time, or behind.
    pub fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// How far it is ahead.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }
}

impl WallClock for Clock {
    fn now_ms(&self) -> u64 {
        self.time.true_ms().saturating_add_signed(self.offset_ms())
    }
}
