//! Events as seed S3 sees them: on a day, at a venue, with types of tickets.

mod guests;
#[cfg(test)]
mod tests;
mod wishes;

use std::sync::Arc;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    Policy, PolicyField, Pool, PoolCounts, PoolId, ReadRows, ReadTyped as _, Resource, ResourceId, Scope,
    SeatPlan, Seats, SlotId, SlotStatus, Timestamp, Venue, VenueId, list_resources, list_slots,
    venue_by_name,
};
use tokio::time::Instant;

use crate::problem::{Problem, Result};
use crate::service::{SeatsOf, Service, counts_at};

pub(crate) use wishes::{NO_SLOT, TOO_MANY_TICKETS, Wish};

/// Events of one list.
const EVENTS_MAX: usize = 1_000;

/// Resources looked at for one list.
const LOOKED_AT_MAX: usize = 10_000;

/// Resources read at once.
const PAGE: usize = 200;

/// Slots of one event that are looked at.
const SLOTS_MAX: usize = 1_000;

/// An event, where it is, and when it begins.
pub(crate) struct DatedEvent {
    pub(crate) id: ResourceId,
    pub(crate) resource: Resource,
    pub(crate) venue: Arc<Venue>,
    pub(crate) starts_at: Timestamp,
}

/// A type of tickets, and what is left of it.
pub(crate) struct TypeOnSale {
    pub(crate) event: Arc<DatedEvent>,
    pub(crate) pool: Pool,
    pub(crate) counts: PoolCounts,
    /// Whether its places are all alike.
    pub(crate) is_general: bool,
    /// How long its tickets are kept, in milliseconds, if that was said of them.
    pub(crate) hold_duration: Option<u64>,
}

/// The tickets of a type.
pub(crate) enum Tickets {
    /// One by one.
    Numbered(Box<SeatsOf>),
    /// They are only counted.
    Counted,
}

impl Service {
    /// The newest events, of one venue if named, that begin when they should.
    pub(crate) async fn dated_events(
        &self,
        consistency: Consistency,
        deadline: Instant,
        venue: Option<&str>,
        is_wanted: impl Fn(&DatedEvent) -> bool,
    ) -> Result<Read<Vec<DatedEvent>>> {
        self.read_public(consistency, deadline, |view| Ok(dated_events(view, venue, is_wanted))).await
    }

    /// What an event sells.
    pub(crate) async fn types_on_sale(
        &self,
        consistency: Consistency,
        deadline: Instant,
        event: ResourceId,
    ) -> Result<Read<Vec<TypeOnSale>>> {
        let with = |view: &View<'_>| types_on_sale(view, event, view.now()).ok_or_else(|| no_event(event));
        self.read_public(consistency, deadline, with).await
    }

    /// The tickets of a type.
    pub(crate) async fn tickets(
        &self,
        consistency: Consistency,
        deadline: Instant,
        pool: PoolId,
    ) -> Result<Read<Tickets>> {
        let missing = || Problem::not_found("ticket_type_not_found", format!("ticket type {}", pool.0));
        let with = |view: &View<'_>| match SeatsOf::read(view, pool) {
            Some(seats) if seats.slot.status == SlotStatus::Withdrawn => Err(missing()),
            Some(seats) => Ok(Tickets::Numbered(Box::new(seats))),
            None => view.row::<PoolCounts>(pool).map(|_| Tickets::Counted).ok_or_else(missing),
        };
        self.read_public(consistency, deadline, with).await
    }

    /// The time zone of a venue: UTC, which a new one will have, if it is not there yet.
    pub(crate) async fn zone_of_venue(&self, name: &str, deadline: Instant) -> Result<String> {
        let with = |view: &View<'_>| venue_by_name(view, name).and_then(|id| view.row::<Venue>(id));
        let read = self.read(Consistency::Linearizable, deadline, with).await?;
        Ok(read.value.map_or_else(|| "UTC".to_owned(), |venue| venue.time_zone.clone()))
    }

    /// The slot to which an event adds what it sells: the first that is not over, if there is one.
    pub(crate) async fn slot_to_sell(&self, event: ResourceId, deadline: Instant) -> Result<Option<SlotId>> {
        if let Some(known) = self.look(|view| slot_to_sell(view, event, view.now()))? {
            return Ok(Some(known));
        }
        let with = |view: &View<'_>| slot_to_sell(view, event, view.now());
        Ok(self.read(Consistency::Linearizable, deadline, with).await?.value)
    }
}

/// There is no such event.
pub(crate) fn no_event(id: ResourceId) -> Problem {
    Problem::not_found("event_not_found", format!("event {}", id.0))
}

/// Whether seats are called by their numbers alone, as they are when nobody gave them names.
pub(crate) fn is_general(plan: &SeatPlan) -> bool {
    SeatPlan::numbered(u64::from(plan.count())).is_ok_and(|numbered| numbered == *plan)
}

fn dated_events(
    rows: &impl ReadRows,
    venue: Option<&str>,
    is_wanted: impl Fn(&DatedEvent) -> bool,
) -> Vec<DatedEvent> {
    let venue = match venue.map(|name| venue_by_name(rows, name)) {
        Some(None) => return Vec::new(),
        Some(known) => known,
        None => None,
    };
    let mut found = Vec::new();
    let mut before = ResourceId(u64::MAX);
    for _ in 0..LOOKED_AT_MAX.div_ceil(PAGE) {
        let page = list_resources(rows, venue, before, PAGE);
        let is_last = page.len() < PAGE;
        before = page.last().map_or(before, |(id, _)| *id);
        let dated = page.into_iter().filter_map(|(id, resource)| dated(rows, id, resource));
        found.extend(dated.filter(&is_wanted));
        if is_last || found.len() >= EVENTS_MAX {
            break;
        }
    }
    found.truncate(EVENTS_MAX);
    found
}

/// An event as it is dated by its first slot. What has none yet is no event of this seed.
fn dated(rows: &impl ReadRows, id: ResourceId, resource: Resource) -> Option<DatedEvent> {
    if !resource.is_event() {
        return None;
    }
    let (_, first) = list_slots(rows, id, Timestamp::default(), None, 1).pop()?;
    let venue = venue_of(rows, resource.venue)?;
    Some(DatedEvent { id, resource, venue, starts_at: first.window.starts_at() })
}

fn types_on_sale(rows: &impl ReadRows, id: ResourceId, now: Timestamp) -> Option<Vec<TypeOnSale>> {
    let resource = event(rows, id)?;
    let venue = venue_of(rows, resource.venue)?;
    let mut types = Vec::new();
    for (_, slot) in list_slots(rows, id, Timestamp::default(), None, SLOTS_MAX) {
        let (resource, venue, starts_at) = ((*resource).clone(), venue.clone(), slot.window.starts_at());
        let event = Arc::new(DatedEvent { id, resource, venue, starts_at });
        let on_sale = slot.pools.into_iter().filter_map(|pool| type_on_sale(rows, &event, pool, now));
        types.extend(on_sale);
        if types.len() >= EVENTS_MAX {
            break;
        }
    }
    Some(types)
}

fn type_on_sale(
    rows: &impl ReadRows,
    event: &Arc<DatedEvent>,
    pool: Pool,
    now: Timestamp,
) -> Option<TypeOnSale> {
    let counts = counts_at(rows, pool.id, now)?;
    let is_general = rows.row::<Seats>(pool.id).is_none_or(|seats| is_general(&seats.plan));
    let policy = rows.row::<Policy>(Scope::Pool(pool.id));
    let hold_duration = policy.and_then(|policy| policy.fields.get(&PolicyField::HoldDuration).copied());
    Some(TypeOnSale { event: event.clone(), pool, counts, is_general, hold_duration })
}

fn slot_to_sell(rows: &impl ReadRows, id: ResourceId, now: Timestamp) -> Option<SlotId> {
    event(rows, id)?;
    let slots = list_slots(rows, id, Timestamp::default(), None, SLOTS_MAX);
    let open = slots.iter().find(|(_, slot)| slot.is_bookable_at(now));
    open.or(slots.last()).map(|(id, _)| *id)
}

/// An event that is on offer.
fn event(rows: &impl ReadRows, id: ResourceId) -> Option<Arc<Resource>> {
    rows.row::<Resource>(id).filter(|resource| resource.is_event() && resource.is_offered())
}

fn venue_of(rows: &impl ReadRows, id: VenueId) -> Option<Arc<Venue>> {
    rows.row::<Venue>(id)
}
