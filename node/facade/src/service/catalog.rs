//! What is on offer: venues, resources, slots.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    Booking, Command, CreateResource, CreateVenue, Key, NewResource, OpenSlots, Order, Outcome, PoolCounts,
    PoolId, ReadRows, ReadTyped as _, Resource, ResourceId, Slot, SlotDay, SlotId, Timestamp, Venue, VenueId,
    lapsed_holds, list_resources, list_venues,
};

use tokio::time::Instant;

use crate::problem::{Problem, Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

/// A slot with what is left of its pools, at one moment.
pub(crate) struct SlotView {
    pub(crate) id: SlotId,
    pub(crate) slot: Slot,
    pub(crate) counts: Vec<(PoolId, PoolCounts)>,
    /// The agreed time of that moment.
    pub(crate) now: Timestamp,
    pub(crate) day: Option<Arc<SlotDay>>,
}

impl SlotView {
    fn of(view: &View<'_>, id: SlotId, slot: Slot) -> Self {
        let now = view.now();
        let counts = slot.pools.iter().filter_map(|pool| Some((pool.id, counts_at(view, pool.id, now)?)));
        let counts = counts.collect();
        Self { id, slot, counts, now, day: view.row::<SlotDay>(id) }
    }

    pub(crate) fn counts(&self, pool: PoolId) -> Option<PoolCounts> {
        self.counts.iter().find(|(id, _)| *id == pool).map(|(_, counts)| counts.clone())
    }
}

impl Service {
    pub(crate) async fn create_venue(
        &self,
        caller: Caller,
        venue: Venue,
        call: &CallContext,
    ) -> Result<(VenueId, Venue)> {
        let command = Command::CreateVenue(CreateVenue { venue });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Venue(id, venue), _) => Ok((id, venue)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn create_resource(
        &self,
        caller: Caller,
        resource: NewResource,
        call: &CallContext,
    ) -> Result<(ResourceId, Resource)> {
        let command = Command::CreateResource(CreateResource { resource });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Resource(id, resource), _) => Ok((id, resource)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Refuses whoever opens no slots of a resource, before anything else is told him.
    pub(crate) async fn expect_opens_slots(
        &self,
        caller: Caller,
        resource: ResourceId,
        deadline: Instant,
    ) -> Result<()> {
        let is_his = |view: &View<'_>, caller: Caller| {
            let row = view.row::<Resource>(resource);
            caller.role.operates() || row.is_some_and(|row| row.owner == Some(caller.user))
        };
        if self.look(|view| is_his(view, caller))? {
            return Ok(());
        }
        let asked = Asked { caller, consistency: Consistency::Linearizable, deadline };
        if self.read_as(asked, |view, caller| Ok(is_his(view, caller))).await?.value {
            return Ok(());
        }
        Err(Problem::new(403, "forbidden", "only the owner of a resource and operators open slots of it"))
    }

    pub(crate) async fn open_slots(
        &self,
        caller: Caller,
        slots: OpenSlots,
        call: &CallContext,
    ) -> Result<Vec<(SlotId, Slot)>> {
        match self.submit(caller.principal(), Command::OpenSlots(slots), call).await? {
            (Outcome::Slots(slots), _) => Ok(slots),
            (other, _) => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn venue(&self, asked: Asked, id: VenueId) -> Result<Read<Venue>> {
        let missing = || Problem::not_found("venue_not_found", id);
        let with = |view: &View<'_>, _| Ok((*view.row::<Venue>(id).ok_or_else(missing)?).clone());
        self.read_as(asked, with).await
    }

    pub(crate) async fn venues(
        &self,
        asked: Asked,
        before: VenueId,
        limit: usize,
    ) -> Result<Read<Vec<(VenueId, Venue)>>> {
        self.read_as(asked, |view, _| Ok(list_venues(view, before, limit))).await
    }

    pub(crate) async fn resource(&self, asked: Asked, id: ResourceId) -> Result<Read<Resource>> {
        let missing = || Problem::not_found("resource_not_found", id);
        let with = |view: &View<'_>, _| Ok((*view.row::<Resource>(id).ok_or_else(missing)?).clone());
        self.read_as(asked, with).await
    }

    pub(crate) async fn resources(
        &self,
        asked: Asked,
        venue: Option<VenueId>,
        before: ResourceId,
        limit: usize,
    ) -> Result<Read<Vec<(ResourceId, Resource)>>> {
        self.read_as(asked, |view, _| Ok(list_resources(view, venue, before, limit))).await
    }

    pub(crate) async fn slot(&self, asked: Asked, id: SlotId) -> Result<Read<SlotView>> {
        let missing = || Problem::not_found("slot_not_found", id);
        let with = |view: &View<'_>, _| {
            let slot = view.row::<Slot>(id).ok_or_else(missing)?;
            Ok(SlotView::of(view, id, (*slot).clone()))
        };
        self.read_as(asked, with).await
    }

    pub(crate) async fn slots(
        &self,
        asked: Asked,
        resource: ResourceId,
        from: Timestamp,
        after: Option<SlotId>,
        limit: usize,
    ) -> Result<Read<Vec<SlotView>>> {
        let missing = || Problem::not_found("resource_not_found", resource);
        let with = |view: &View<'_>, _| {
            view.row::<Resource>(resource).ok_or_else(missing)?;
            let slots = newest_slots(view, resource, from, after, limit).into_iter();
            Ok(slots.map(|(id, slot)| SlotView::of(view, id, slot)).collect())
        };
        self.read_as(asked, with).await
    }
}

/// What is left of a pool at a moment: places of holds that have lapsed are there, whether or not a tick has said so.
pub(crate) fn counts_at(rows: &impl ReadRows, pool: PoolId, now: Timestamp) -> Option<PoolCounts> {
    let mut counts = (*rows.row::<PoolCounts>(pool)?).clone();
    if counts.held > 0 {
        let lapsed = lapsed_holds(rows, pool, now, usize::MAX).into_iter();
        let places: u32 = lapsed.filter_map(|id| rows.row::<Booking>(id)).map(|booking| booking.count).sum();
        counts.held = counts.held.saturating_sub(places);
        counts.available = counts.available.saturating_add(places);
        counts.sold_out_at = counts.sold_out_at.filter(|_| counts.available == 0);
    }
    Some(counts)
}

/// Slots of a resource that start at `from` or later, the last to start first, as the lists of `/v1` are; `after`
/// continues a list behind a slot.
fn newest_slots(
    rows: &impl ReadRows,
    resource: ResourceId,
    from: Timestamp,
    after: Option<SlotId>,
    limit: usize,
) -> Vec<(SlotId, Slot)> {
    let window = |slot| rows.row::<Slot>(slot).map(|slot| slot.window);
    let end = match after.and_then(|slot| Some((slot, window(slot)?))) {
        Some((slot, window)) => Key::SlotByWindow(resource, window.starts_at(), window.ends_at(), slot),
        None => Key::SlotByWindow(resource, Timestamp::MAX, Timestamp::MAX, SlotId(u64::MAX)),
    };
    let start = Key::SlotByWindow(resource, from, Timestamp::default(), SlotId(0));
    let found = rows.scan(start..end, Order::Descending, limit).into_iter().filter_map(|(key, _)| {
        let Key::SlotByWindow(_, _, _, id) = key else { return None };
        Some((id, (*rows.row::<Slot>(id)?).clone()))
    });
    found.collect()
}
