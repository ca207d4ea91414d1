//! `/v1/slots` and the slots of a resource.

pub(crate) mod bodies;

use std::borrow::Cow;

use axum::extract::State;
use holdfast_reservations::{
    AddPools, ChangeSlot, OpenSlots, POOLS_PER_COMMAND_MAX, ResourceId, SLOTS_PER_COMMAND_MAX, SlotId,
    Timestamp, WithdrawSlot,
};
use serde_json::json;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::v1::slots::bodies::{ChangeBody, NewPoolBody, NewSlotBody, seat_body};
use crate::http::{Answer, Call, LongList, Reply};
use crate::problem::{Problem, Result};
use crate::service::{SeatsOf, Service, SlotView};
use crate::wire::{SlotBody, moment_in, slot_body};

pub(crate) async fn open(State(service): State<Service>, Segment(resource): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let resource = path_id(&resource, "resource_not_found", "resource").map(ResourceId)?;
    service.expect_opens_slots(caller, resource, call.context.deadline).await?;
    let is_array = call.is_array();
    let bodies: Vec<NewSlotBody> = if is_array { call.json()? } else { vec![call.json()?] };
    if !(1..=SLOTS_PER_COMMAND_MAX).contains(&bodies.len()) {
        return Err(Problem::senseless(format!("one call opens 1 to {SLOTS_PER_COMMAND_MAX} slots")));
    }
    let pools: usize = bodies.iter().map(|slot| slot.pools.len()).sum();
    if pools > POOLS_PER_COMMAND_MAX {
        return Err(Problem::senseless(format!("one call opens at most {POOLS_PER_COMMAND_MAX} pools")));
    }
    let slots: Vec<_> = bodies.into_iter().map(bodies::slot_from).collect::<Result<_>>()?;
    bodies::expect_small(&slots)?;
    let opened = service.open_slots(caller, OpenSlots { resource, slots }, &call.context).await?;
    // Nothing can have been booked yet: what is left of a pool is all of it.
    let now = Timestamp::default();
    let mut bodies: Vec<SlotBody> =
        opened.iter().map(|(id, slot)| slot_body(*id, slot, now, |_| None)).collect();
    match bodies.pop() {
        Some(body) if !is_array => Reply::created(&body),
        last => {
            bodies.extend(last);
            Reply::created(&bodies)
        }
    }
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCatalog).await?;
    let read = service.slot(asked, slot_id(&id)?).await?;
    Reply::read(read, |view| view_body(&view))
}

pub(crate) async fn seats(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCatalog).await?;
    let (pool, status) = (call.query_id("poolId")?, call.query("status")?);
    if let Some(status) = status.as_deref()
        && !["available", "held", "sold"].contains(&status)
    {
        return Err(Problem::senseless(format!("status is available, held or sold, not {status}")));
    }
    let read = service.seats(asked, slot_id(&id)?).await?;
    let frame =
        LongList { before: r#"{"seats":["#.to_owned(), after: "]}", len: SeatsOf::count(&read.value) };
    let status = status.map(Cow::into_owned);
    Reply::list(&service, call.context.deadline, read, frame, move |pools| {
        let pools = pools.iter().filter(move |seats| pool.is_none_or(|pool| pool == seats.pool.0));
        let seats =
            pools.flat_map(|seats| seats.each().map(|(seat, state)| seat_body(seats.pool, seat, state)));
        Box::new(seats.filter(move |seat| status.as_deref().is_none_or(|status| status == seat.status)))
    })
    .await
}

pub(crate) async fn change(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let slot = slot_id(&id)?;
    let body: ChangeBody = call.json()?;
    let change = ChangeSlot { slot, window: Some(body.window()?), seats: None };
    let (id, slot) = service.change_slot(caller, change, &call.context).await?;
    shown(&service, id, &slot)
}

pub(crate) async fn add_pools(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let slot = slot_id(&id)?;
    let pools: Vec<NewPoolBody> = if call.is_array() { call.json()? } else { vec![call.json()?] };
    let pools = bodies::pools_from(pools)?;
    let (id, slot) = service.add_pools(caller, AddPools { slot, pools }, &call.context).await?;
    shown(&service, id, &slot)
}

pub(crate) async fn withdraw(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageEvents).await?;
    let id = service.withdraw_slot(caller, WithdrawSlot { slot: slot_id(&id)? }, &call.context).await?;
    Reply::ok(&json!({"id": id.0, "status": "withdrawn"}))
}

/// A slot that was changed, with what is left of it as this node knows.
fn shown(service: &Service, id: SlotId, slot: &holdfast_reservations::Slot) -> Answer {
    let now = service.now();
    let body =
        service.look(|view| slot_body(id, slot, now, |pool| crate::service::counts_at(view, pool, now)))?;
    Reply::ok(&body)
}

pub(crate) async fn list(State(service): State<Service>, Segment(resource): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadCatalog).await?;
    let resource = path_id(&resource, "resource_not_found", "resource").map(ResourceId)?;
    let from = match call.query("from")? {
        None => Timestamp::default(),
        Some(text) => {
            moment_in(&text).ok_or_else(|| Problem::malformed(format!("from is not a moment: {text}")))?
        }
    };
    let after = call.query_id("after")?.map(SlotId);
    let limit = call.limit()?;
    let read = service.slots(asked, resource, from, after, limit + 1).await?;
    Reply::read(read, |slots| cut(slots, limit, |view| view.id.0, |view| view_body(&view)))
}

fn view_body(view: &SlotView) -> SlotBody {
    slot_body(view.id, &view.slot, view.now, |pool| view.counts(pool)).with_day(view.day.as_deref())
}

fn slot_id(text: &str) -> Result<SlotId> {
    path_id(text, "slot_not_found", "slot").map(SlotId)
}
