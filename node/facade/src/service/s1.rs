//! Events and performances as seed S1 has them: resources of kind event, and their slots.

#[cfg(test)]
mod tests;

use holdfast_raft::View;
use holdfast_reservations::{
    Clock, ReadRows, ReadTyped as _, Resource, ResourceId, Slot, SlotId, SlotStatus, Timestamp,
    list_resources, list_slots,
};

use crate::problem::{Problem, Result};
use crate::service::counts_at;
use crate::service::seats::{SeatsOf, seats_of};

/// Events one answer shows.
pub(crate) const EVENTS_MAX: usize = 1000;

/// Performances one answer shows, those of all its events together.
pub(crate) const PERFORMANCES_MAX: usize = 5000;

/// Resources looked at together, and for one answer.
const PAGE: usize = 200;
const LOOKED_AT_MAX: usize = 100_000;

/// An event with its performances, at one moment.
pub(crate) struct EventView {
    pub(crate) id: ResourceId,
    pub(crate) resource: Resource,
    /// In the order of their start.
    pub(crate) performances: Vec<PerformanceView>,
}

/// A performance, and how many of its places nobody has.
pub(crate) struct PerformanceView {
    pub(crate) id: SlotId,
    pub(crate) slot: Slot,
    pub(crate) available: u64,
}

impl EventView {
    fn of(rows: &impl ReadRows, id: ResourceId, resource: Resource, limit: usize) -> Self {
        let slots = list_slots(rows, id, Timestamp::default(), None, limit).into_iter();
        let performances = slots.map(|(id, slot)| PerformanceView::of(rows, id, slot)).collect();
        Self { id, resource, performances }
    }
}

impl PerformanceView {
    /// The performance a slot is, with what these rows say is left of it.
    pub(crate) fn of(rows: &impl ReadRows, id: SlotId, slot: Slot) -> Self {
        let now = rows.row::<Clock>(()).map_or_else(Timestamp::default, |clock| clock.now);
        let left = slot.pools.iter().map(|pool| {
            let capacity = pool.kind.capacity();
            // A slot that was just opened or changed may be of another moment than the rows: then all of it is there.
            let counts = counts_at(rows, pool.id, now).filter(|counts| counts.capacity == capacity);
            u64::from(counts.map_or(capacity, |counts| counts.available))
        });
        let available = left.sum();
        Self { id, slot, available }
    }

    /// How many places there are.
    pub(crate) fn total(&self) -> u64 {
        self.slot.pools.iter().map(|pool| u64::from(pool.kind.capacity())).sum()
    }
}

/// Events with ids below `before`, newest first.
pub(crate) fn events(rows: &impl ReadRows, mut before: ResourceId, limit: usize) -> Vec<EventView> {
    let mut found: Vec<EventView> = Vec::new();
    let (mut looked_at, mut left) = (0, PERFORMANCES_MAX);
    loop {
        let page = list_resources(rows, None, before, PAGE);
        looked_at += page.len();
        let is_last = page.len() < PAGE || looked_at >= LOOKED_AT_MAX;
        for (id, resource) in page {
            before = id;
            if !resource.is_event() {
                continue;
            }
            if found.len() == limit || left == 0 {
                return found;
            }
            let event = EventView::of(rows, id, resource, left);
            left -= event.performances.len();
            found.push(event);
        }
        if is_last {
            return found;
        }
    }
}

/// An event that is there.
pub(crate) fn event(rows: &impl ReadRows, id: ResourceId) -> Result<Resource> {
    let resource = rows.row::<Resource>(id).filter(|resource| resource.is_offered() && resource.is_event());
    resource.map(|resource| (*resource).clone()).ok_or_else(|| no_event(id))
}

/// An event that is there, with its performances.
pub(crate) fn event_view(rows: &impl ReadRows, id: ResourceId) -> Result<EventView> {
    Ok(EventView::of(rows, id, event(rows, id)?, PERFORMANCES_MAX))
}

/// A performance that is there, and its event.
pub(crate) fn performance(rows: &impl ReadRows, id: SlotId) -> Result<(PerformanceView, Resource)> {
    let slot = rows.row::<Slot>(id).filter(|slot| slot.status != SlotStatus::Withdrawn);
    let found = slot.and_then(|slot| Some((event(rows, slot.resource).ok()?, slot)));
    let (event, slot) = found.ok_or_else(|| no_performance(id))?;
    Ok((PerformanceView::of(rows, id, (*slot).clone()), event))
}

/// The seats of a performance that is there, pool by pool.
pub(crate) fn seats(view: &View<'_>, id: SlotId) -> Result<Vec<SeatsOf>> {
    performance(view, id)?;
    seats_of(view, id)
}

/// Refuses what is there, but is no event. It never was one, so a retry is refused like the call before it.
pub(crate) fn expect_no_other(rows: &impl ReadRows, id: ResourceId) -> Result<()> {
    match rows.row::<Resource>(id) {
        Some(resource) if !resource.is_event() => Err(no_event(id)),
        Some(_) | None => Ok(()),
    }
}

/// Refuses what is there, but is a slot of something else than an event.
pub(crate) fn expect_no_other_slot(rows: &impl ReadRows, id: SlotId) -> Result<()> {
    let Some(slot) = rows.row::<Slot>(id) else { return Ok(()) };
    expect_no_other(rows, slot.resource).map_err(|_| no_performance(id))
}

fn no_event(id: ResourceId) -> Problem {
    Problem::new(404, "resource_not_found", format!("there is no event {}", id.0))
}

fn no_performance(id: SlotId) -> Problem {
    Problem::new(404, "slot_not_found", format!("there is no performance {}", id.0))
}
