//! One way between two machines.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::chance::Chance;

/// The first wait of TCP before it sends again what was lost; twice as long each time.
const SEND_AGAIN_MS: u64 = 200;

/// The longest such wait.
const SEND_AGAIN_MS_MAX: u64 = 1600;

/// Who does something to ways, clocks or disks: nobody else undoes it.
pub type Holder = u64;

/// One way between two machines.
#[derive(Clone, Debug, Default)]
pub struct Link {
    cut_by: BTreeSet<Holder>,
    held_by: BTreeSet<Holder>,
    /// How many milliseconds a segment is on its way; the slowest counts.
    slowed_by: BTreeMap<Holder, RangeInclusive<u64>>,
    /// Of a hundred segments so many are lost, and sent again; the worst counts.
    lossy_by: BTreeMap<Holder, u64>,
}

/// How many milliseconds a segment is on its way if nobody makes it slow.
const LATENCY_MS: RangeInclusive<u64> = 0..=1;

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

    /// Makes it slow: every segment is so long on its way.
    pub fn slow_down(&mut self, by: Holder, latency_ms: RangeInclusive<u64>) {
        self.slowed_by.insert(by, latency_ms);
    }

    /// Lets it lose so many of a hundred segments.
    pub fn lose(&mut self, by: Holder, percent: u64) {
        self.lossy_by.insert(by, percent);
    }

    /// Ends what this one has done to its pace and its losses.
    pub fn let_go(&mut self, by: Holder) {
        self.slowed_by.remove(&by);
        self.lossy_by.remove(&by);
    }

    /// How long the next segment is on its way, its losses included.
    pub(super) fn travel_ms(&self, chance: &mut Chance) -> u64 {
        let slowest = self.slowed_by.values().max_by_key(|latency_ms| *latency_ms.end());
        let mut travel_ms = chance.between(slowest.cloned().unwrap_or(LATENCY_MS));
        let mut again_ms = SEND_AGAIN_MS;
        let loss_percent = self.lossy_by.values().copied().max().unwrap_or(0);
        while loss_percent > 0 && chance.percent(loss_percent) {
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

    #[test]
    fn a_way_is_as_slow_as_the_slowest_of_those_who_slow_it_down() {
        let (mut link, mut chance) = (Link::default(), Chance::new(1));
        link.slow_down(1, 300..=300);
        link.slow_down(2, 20..=20);
        assert_eq!(link.travel_ms(&mut chance), 300);
        link.let_go(1);
        assert_eq!(link.travel_ms(&mut chance), 20);
        link.let_go(2);
        assert!(link.travel_ms(&mut chance) <= 1);
    }
}
