//! What is left of the slots that a watcher has named: told when it has changed, so often at most, and of now. It is no
//! event: nothing is told twice, and a watcher who was away gets the latest picture only.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_raft::View;
use holdfast_reservations::{BookingEvent, Event, PoolId, ReadTyped as _, ResourceId, Slot, SlotId};
use tokio::time::Instant;

use super::filter::Filter;
use super::happening::slot_of;
use super::{AVAILABILITY_INTERVAL, SLOTS_SHOWN_MAX};
use crate::service::counts_at;

/// What is left of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotLeft {
    pub(crate) slot: SlotId,
    /// As of which entry.
    pub(crate) index: u64,
    pub(crate) pools: Vec<PoolLeft>,
}

/// What is left of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolLeft {
    pub(crate) pool: PoolId,
    pub(crate) available: u32,
    pub(crate) held: u32,
    pub(crate) confirmed: u32,
}

/// What a watcher was told, and what may be otherwise by now.
#[derive(Default)]
pub(super) struct Availability {
    is_wanted: bool,
    touched: BTreeSet<SlotId>,
    told_at: Option<Instant>,
    shown: Pictures,
}

/// What a watcher was last told of each slot: of so many, those that were told last.
#[derive(Default)]
struct Pictures {
    by_slot: BTreeMap<SlotId, (u64, Vec<PoolLeft>)>,
    /// By the turn in which they were told.
    by_turn: BTreeMap<u64, SlotId>,
    turn: u64,
}

impl Pictures {
    fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.by_slot.keys().copied()
    }

    /// Remembers what is told of a slot. `false` if it was told before.
    fn show(&mut self, slot: SlotId, pools: &[PoolLeft]) -> bool {
        match self.by_slot.get(&slot) {
            Some((_, shown)) if shown == pools => return false,
            Some((turn, _)) => drop(self.by_turn.remove(turn)),
            None if self.by_slot.len() >= SLOTS_SHOWN_MAX => {
                if let Some((_, oldest)) = self.by_turn.pop_first() {
                    self.by_slot.remove(&oldest);
                }
            }
            None => (),
        }
        self.turn += 1;
        self.by_turn.insert(self.turn, slot);
        self.by_slot.insert(slot, (self.turn, pools.to_vec()));
        true
    }
}

impl Availability {
    /// Of the slots that are named the first picture is due at once.
    pub(super) fn of(filter: &Filter) -> Self {
        let is_wanted = filter.wants_availability();
        let touched = if is_wanted { filter.slots.clone() } else { BTreeSet::new() };
        Self { is_wanted, touched, ..Self::default() }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Notes what an event may have changed, whoever may see it.
    pub(super) fn note(&mut self, filter: &Filter, event: &Event, resource: Option<ResourceId>) {
        if !self.is_wanted {
            return;
        }
        if let Event::Booking { kind: BookingEvent::Changed, .. } = event {
            // It may have left another slot than the one it is in now.
            self.touched.extend(self.shown.slots());
        }
        let Some(slot) = slot_of(event) else { return };
        let is_named = filter.slots.is_empty() || filter.slots.contains(&slot);
        if is_named && filter.wants_resource(resource) {
            self.touched.insert(slot);
        }
    }

    /// When there is something to tell.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let due_at = || self.told_at.map_or_else(Instant::now, |told_at| told_at + AVAILABILITY_INTERVAL);
        (!self.touched.is_empty()).then(due_at)
    }

    /// What is left of the slots that were touched, as far as it is news.
    pub(super) fn tell(&mut self, view: &View<'_>) -> Vec<SlotLeft> {
        self.told_at = Some(Instant::now());
        let (now, mark) = (view.now(), view.mark());
        let index = mark.ok().flatten().map_or(0, |mark| mark.applied.index);
        let mut news = Vec::new();
        for slot in std::mem::take(&mut self.touched) {
            let Some(row) = view.row::<Slot>(slot) else { continue };
            let left = |pool: PoolId| {
                let counts = counts_at(view, pool, now)?;
                let (available, held) = (counts.available, counts.held);
                Some(PoolLeft { pool, available, held, confirmed: counts.confirmed })
            };
            let pools: Vec<PoolLeft> = row.pools.iter().filter_map(|pool| left(pool.id)).collect();
            if self.shown.show(slot, &pools) {
                news.push(SlotLeft { slot, index, pools });
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_slots_the_one_that_was_told_longest_ago_is_forgotten() {
        let left = |available| [PoolLeft { pool: PoolId(1), available, held: 0, confirmed: 0 }];
        let mut shown = Pictures::default();
        let all = 1..=SLOTS_SHOWN_MAX as u64;
        assert!(all.clone().all(|slot| shown.show(SlotId(slot), &left(9))));
        assert!(!all.clone().any(|slot| shown.show(SlotId(slot), &left(9))), "it is no news");
        assert!(shown.show(SlotId(1), &left(8)));
        assert!(shown.show(SlotId(9999), &left(9)));
        let known: Vec<u64> = shown.slots().map(|slot| slot.0).collect();
        let expected: Vec<u64> = all.filter(|slot| *slot != 2).chain([9999]).collect();
        assert_eq!(known, expected);
        assert!(shown.show(SlotId(2), &left(9)), "it is told again");
        assert_eq!((shown.by_slot.len(), shown.by_turn.len()), (SLOTS_SHOWN_MAX, SLOTS_SHOWN_MAX));
    }
}
