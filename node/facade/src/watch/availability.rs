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
    shown: BTreeMap<SlotId, Vec<PoolLeft>>,
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
            self.touched.extend(self.shown.keys());
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
            if self.shown.get(&slot) == Some(&pools) {
                continue;
            }
            if self.shown.len() >= SLOTS_SHOWN_MAX {
                self.shown.clear();
            }
            self.shown.insert(slot, pools.clone());
            news.push(SlotLeft { slot, index, pools });
        }
        news
    }
}
