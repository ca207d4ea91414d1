//! What is on offer: venues, resources, slots.

#[cfg(test)]
mod tests;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    Command, CreateResource, CreateVenue, Key, OpenSlots, Order, Outcome, PoolCounts, PoolId, ReadRows,
    ReadTyped as _, Resource, ResourceId, Slot, SlotId, Timestamp, Venue, VenueId, list_resources,
    list_venues,
};
use tokio::time::Instant;

use crate::problem::{Problem, Result, unexpected};
use crate::service::{CallContext, Caller, Service};

/// A slot with what is left of its pools, at one moment.
pub(crate) struct SlotView {
    pub(crate) id: SlotId,
    pub(crate) slot: Slot,
    pub(crate) counts: Vec<(PoolId, PoolCounts)>,
    /// The agreed time of that moment.
    pub(crate) now: Timestamp,
}

impl SlotView {
    fn of(view: &View<'_>, id: SlotId, slot: Slot) -> Self {
        let counts =
            slot.pools.iter().filter_map(|pool| Some((pool.id, (*view.row::<PoolCounts>(pool.id)?).clone())));
        let counts = counts.collect();
        Self { id, slot, counts, now: view.now() }
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
        resource: Resource,
        call: &CallContext,
    ) -> Result<(ResourceId, Resource)> {
        let command = Command::CreateResource(CreateResource { resource });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Resource(id, resource), _) => Ok((id, resource)),
            (other, _) => Err(unexpected(&other)),
        }
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

    pub(crate) async fn venue(
        &self,
        id: VenueId,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<Venue>> {
        let read = self.read(consistency, deadline, |view| view.row::<Venue>(id)).await?;
        found(read, |venue| (*venue).clone(), || Problem::not_found("venue_not_found", id))
    }

    pub(crate) async fn venues(
        &self,
        before: VenueId,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<Vec<(VenueId, Venue)>>> {
        self.read(consistency, deadline, |view| list_venues(view, before, limit)).await
    }

    pub(crate) async fn resource(
        &self,
        id: ResourceId,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<Resource>> {
        let read = self.read(consistency, deadline, |view| view.row::<Resource>(id)).await?;
        found(read, |resource| (*resource).clone(), || Problem::not_found("resource_not_found", id))
    }

    pub(crate) async fn resources(
        &self,
        venue: Option<VenueId>,
        before: ResourceId,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<Vec<(ResourceId, Resource)>>> {
        self.read(consistency, deadline, |view| list_resources(view, venue, before, limit)).await
    }

    pub(crate) async fn slot(
        &self,
        id: SlotId,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<SlotView>> {
        let with = |view: &View<'_>| {
            let slot = view.row::<Slot>(id)?;
            Some(SlotView::of(view, id, (*slot).clone()))
        };
        let read = self.read(consistency, deadline, with).await?;
        found(read, |slot| slot, || Problem::not_found("slot_not_found", id))
    }

    pub(crate) async fn slots(
        &self,
        resource: ResourceId,
        from: Timestamp,
        after: Option<SlotId>,
        limit: usize,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<Vec<SlotView>>> {
        let with = |view: &View<'_>| {
            view.row::<Resource>(resource)?;
            let slots = newest_slots(view, resource, from, after, limit).into_iter();
            Some(slots.map(|(id, slot)| SlotView::of(view, id, slot)).collect())
        };
        let read = self.read(consistency, deadline, with).await?;
        found(read, |slots| slots, || Problem::not_found("resource_not_found", resource))
    }
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

fn found<T, U>(
    read: Read<Option<T>>,
    value: impl FnOnce(T) -> U,
    missing: impl FnOnce() -> Problem,
) -> Result<Read<U>> {
    let Read { value: found, index, age } = read;
    Ok(Read { value: value(found.ok_or_else(missing)?), index, age })
}
