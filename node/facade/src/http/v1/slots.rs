//! `/v1/slots` and the slots of a resource.

use axum::extract::State;
use holdfast_reservations::{
    NewPool, NewSlot, OpenSlots, POOLS_PER_COMMAND_MAX, POOLS_PER_SLOT_MAX, PoolKind, ResourceId,
    SLOTS_PER_COMMAND_MAX, SlotId, Timestamp, Window,
};
use serde::Deserialize;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::v1::venues::name_from;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::{Moment, SlotBody, moment_in, slot_body};

/// Places of one pool.
const CAPACITY_MAX: i64 = 1_000_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSlotBody {
    start_time: Moment,
    end_time: Moment,
    pools: Vec<NewPoolBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPoolBody {
    name: String,
    capacity: i64,
}

pub(crate) async fn open(State(service): State<Service>, Segment(resource): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::OpenSlots).await?;
    let resource = path_id(&resource, "resource_not_found", "resource").map(ResourceId)?;
    let is_array = call.is_array();
    let bodies: Vec<NewSlotBody> = if is_array { call.json()? } else { vec![call.json()?] };
    if !(1..=SLOTS_PER_COMMAND_MAX).contains(&bodies.len()) {
        return Err(Problem::senseless(format!("one call opens 1 to {SLOTS_PER_COMMAND_MAX} slots")));
    }
    let pools: usize = bodies.iter().map(|slot| slot.pools.len()).sum();
    if pools > POOLS_PER_COMMAND_MAX {
        return Err(Problem::senseless(format!("one call opens at most {POOLS_PER_COMMAND_MAX} pools")));
    }
    let slots = bodies.into_iter().map(slot_from).collect::<Result<_>>()?;
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
    let id = path_id(&id, "slot_not_found", "slot").map(SlotId)?;
    let read = service.slot(asked, id).await?;
    Reply::read(read, |view| slot_body(view.id, &view.slot, view.now, |pool| view.counts(pool)))
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
    Reply::read(read, |slots| {
        cut(
            slots,
            limit,
            |view| view.id.0,
            |view| slot_body(view.id, &view.slot, view.now, |pool| view.counts(pool)),
        )
    })
}

fn slot_from(body: NewSlotBody) -> Result<NewSlot> {
    let window = Window::new(body.start_time.0, body.end_time.0);
    let window = window.ok_or_else(|| Problem::senseless("endTime is not after startTime"))?;
    if !(1..=POOLS_PER_SLOT_MAX).contains(&body.pools.len()) {
        return Err(Problem::senseless(format!("a slot has 1 to {POOLS_PER_SLOT_MAX} pools")));
    }
    Ok(NewSlot { window, pools: body.pools.into_iter().map(pool_from).collect::<Result<_>>()? })
}

fn pool_from(body: NewPoolBody) -> Result<NewPool> {
    let capacity = match body.capacity {
        1..=CAPACITY_MAX => u32::try_from(body.capacity).ok(),
        _ => None,
    };
    let out_of_range = || Problem::senseless(format!("capacity is from 1 to {CAPACITY_MAX}"));
    let kind = PoolKind::Counter { capacity: capacity.ok_or_else(out_of_range)? };
    Ok(NewPool { name: name_from("name", body.name)?, kind })
}
