//! One way between two machines.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::chance::Chance;

/// The first wait of TCP before it sends again what was lost; twice as long each time.
const SEND_AGAIN_MS: u64 = 200;

/// The longest such wait.
const SEND_AGAIN_MS_MAX: u64 = 1600;

/// Who cuts a way, or holds it: nobody else undoes that.
pub type Holder = u64;

/// One way between two machines.
#[derive(Clone, Debug, Default)]
pub struct Link {
    cut_by: BTreeSet<Holder>,
    held_by: BTreeSet<Holder>,
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
    /// Whether nothing gets through.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        !self.cut_by.is_empty()
    }

    /// Whether what is on its way waits, to come all at once when it is held no more.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.held_by.is_empty()
    }

    /// Cuts it, or mends what this one has cut.
    pub fn set_cut(&mut self, by: Holder, is_cut: bool) {
        set(&mut self.cut_by, by, is_cut);
    }

    /// Holds back what is on its way, or lets go what this one has held.
    pub fn set_held(&mut self, by: Holder, is_held: bool) {
        set(&mut self.held_by, by, is_held);
    }

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

fn set(holders: &mut BTreeSet<Holder>, by: Holder, holds: bool) {
    match holds {
        true => holders.insert(by),
        false => holders.remove(&by),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_that_two_have_cut_is_mended_when_both_have_mended_it() {
        let mut link = Link::default();
        link.set_cut(1, true);
        link.set_cut(2, true);
        link.set_cut(2, true);
        link.set_cut(1, false);
        assert!(link.is_cut());
        link.set_cut(2, false);
        assert!(!link.is_cut());

        link.set_held(1, true);
        link.set_held(2, false);
        assert!(link.is_held() && !link.is_cut());
    }
}
