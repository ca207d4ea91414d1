//! One way between two machines.

use std::ops::RangeInclusive;

use crate::chance::Chance;

/// The first wait of TCP before it sends again what was lost; twice as long each time.
const SEND_AGAIN_MS: u64 = 200;

/// The longest such wait.
const SEND_AGAIN_MS_MAX: u64 = 1600;

/// One way between two machines.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// Nothing gets through.
    pub is_cut: bool,
    /// What is on its way waits, and comes all at once when it is held no more.
    pub is_held: bool,
    /// How long it takes.
    pub latency: Latency,
    /// Of a hundred segments so many are lost, and sent again.
    pub loss_percent: u64,
}

/// How many milliseconds a segment is on its way.
#[derive(Clone, Debug)]
pub struct Latency(pub RangeInclusive<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self(0..=1)
    }
}

impl Link {
    /// How long the next segment is on its way, its losses included.
    pub(super) fn travel_ms(&self, chance: &mut Chance) -> u64 {
        let mut travel_ms = chance.between(self.latency.0.clone());
        let mut again_ms = SEND_AGAIN_MS;
        while self.loss_percent > 0 && chance.percent(self.loss_percent) {
            travel_ms += again_ms;
            again_ms = (again_ms * 2).min(SEND_AGAIN_MS_MAX);
        }
        travel_ms
    }

    /// How long after a cut has healed TCP tries again.
    pub(super) fn wait_after_cut_ms(&self, chance: &mut Chance) -> u64 {
        chance.between(0..=2 * SEND_AGAIN_MS)
    }
}
