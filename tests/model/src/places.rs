//! How many places of a slot were taken at a moment: at least, and at most, as far as its clients can know.

use std::collections::BTreeMap;

use holdfast_reservations::SlotId;

use crate::ledger::Life;

/// The places of one slot over time.
#[derive(Default)]
pub(crate) struct Places {
    /// May be taken from here on.
    begun: Sums,
    /// Are taken by now.
    booked: Sums,
    /// May be given back from here on.
    leaving: Sums,
    /// Are given back by now.
    gone: Sums,
}

impl Places {
    /// The places of every slot.
    pub(crate) fn of_all(lives: &[Life]) -> BTreeMap<SlotId, Self> {
        let mut by_slot: BTreeMap<SlotId, Vec<&Life>> = BTreeMap::new();
        for life in lives {
            by_slot.entry(life.slot).or_default().push(life);
        }
        by_slot.into_iter().map(|(slot, lives)| (slot, Self::of(&lives))).collect()
    }

    fn of(lives: &[&Life]) -> Self {
        let sums = |moment: fn(&Life) -> Option<u64>| {
            Sums::of(lives.iter().filter_map(|life| Some((moment(life)?, u64::from(life.count)))).collect())
        };
        Self {
            begun: sums(|life| Some(life.began_at)),
            booked: sums(|life| life.booked_at),
            leaving: sums(|life| life.leaving_at.into_iter().chain(life.moving_at).min()),
            gone: sums(|life| life.gone_at),
        }
    }

    /// The most that can have been taken at any moment of a call.
    pub(crate) fn most(&self, from: u64, to: u64) -> u64 {
        let at = |moment: u64| self.begun.until(moment).saturating_sub(self.gone.before(moment));
        self.begun.moments(from, to).map(at).max().unwrap_or_default().max(at(from))
    }

    /// The least that can have been taken at any moment of a call.
    pub(crate) fn least(&self, from: u64, to: u64) -> u64 {
        let at = |moment: u64| self.booked.before(moment).saturating_sub(self.leaving.until(moment));
        self.leaving.moments(from, to).map(at).min().unwrap_or(u64::MAX).min(at(from))
    }

    /// The most that was certainly taken at one moment, and that moment.
    pub(crate) fn peak(&self) -> Option<(u64, u64)> {
        let at = |moment: u64| self.booked.until(moment).saturating_sub(self.leaving.until(moment));
        self.booked.0.iter().map(|(moment, _)| (at(*moment), *moment)).max()
    }
}

/// Amounts that come one after the other, each with the sum so far.
#[derive(Default)]
struct Sums(Vec<(u64, u64)>);

impl Sums {
    fn of(mut amounts: Vec<(u64, u64)>) -> Self {
        amounts.sort_unstable();
        let mut sum = 0;
        for (_, amount) in &mut amounts {
            sum += *amount;
            *amount = sum;
        }
        Self(amounts)
    }

    /// What had come at a moment.
    fn until(&self, moment: u64) -> u64 {
        self.first(self.0.partition_point(|(at, _)| *at <= moment))
    }

    /// What had come before a moment.
    fn before(&self, moment: u64) -> u64 {
        self.first(self.0.partition_point(|(at, _)| *at < moment))
    }

    fn first(&self, count: usize) -> u64 {
        count.checked_sub(1).map_or(0, |last| self.0[last].1)
    }

    /// When something came, after `from` and not after `to`.
    fn moments(&self, from: u64, to: u64) -> impl Iterator<Item = u64> {
        let first = self.0.partition_point(|(at, _)| *at <= from);
        self.0[first..].iter().map(|(at, _)| *at).take_while(move |at| *at <= to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(began_at: u64, booked_at: u64, leaving_at: Option<u64>, gone_at: Option<u64>) -> Life {
        Life {
            slot: SlotId(1),
            booking: None,
            count: 1,
            began_at,
            booked_at: Some(booked_at),
            leaving_at,
            gone_at,
            moving_at: None,
        }
    }

    #[test]
    fn overlapping_calls_leave_room_for_doubt() {
        let lives = [life(0, 10, Some(30), Some(40)), life(5, 20, None, None)];
        let places = &Places::of_all(&lives)[&SlotId(1)];
        let seen = |from, to| (places.least(from, to), places.most(from, to));
        assert_eq!(seen(0, 1), (0, 1), "the first may be quick");
        assert_eq!(seen(6, 9), (0, 2));
        assert_eq!(seen(11, 12), (1, 2));
        assert_eq!(seen(21, 25), (2, 2), "nothing is under way");
        assert_eq!(seen(21, 35), (1, 2), "the first may be leaving");
        assert_eq!(seen(41, 50), (1, 1));
        assert_eq!(places.peak(), Some((2, 20)));
    }
}
