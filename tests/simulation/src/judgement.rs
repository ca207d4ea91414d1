//! What clients were told is judged when all is over: by every checker of histories, against what is there and against
//! the log.

mod feed;
mod outbox;

use std::collections::BTreeMap;

use holdfast_model::{
    Booking, Bounds, Counts, End, History, Status, Verdict, Violation, check_entrance, check_glances,
    check_linearizability, check_replay, check_standing, resolve,
};
use holdfast_reservations::{Entry, Key, PoolCounts, PoolId, Row, Slot};
use holdfast_storage::codec;
use holdfast_storage::log::Payload;

use crate::workload::{Park, request_key};
use crate::world::World;

/// Steps that the search for an order may take: a run of half a minute needs some hundred.
const STEPS_MAX: usize = 500_000;

/// Everything that clients were told must fit with what is there.
///
/// # Errors
///
/// What does not.
pub fn judge(world: &mut World, core: &[usize]) -> Result<(), String> {
    let rows = core.iter().find_map(|position| {
        let running = world.seen.nodes.get(&world.id_of(*position)?)?.running.as_ref()?;
        running.state.rows.clone()
    });
    let (Some(rows), Some(park)) = (rows, world.load.park()) else {
        return Err("no rows to compare the history with".to_owned());
    };
    let history = History { calls: world.recorder.take_calls(), end: end_of(&rows, &park) };
    first_of("history", &holdfast_model::check(&history))?;
    first_of("stale reads", &check_glances(&world.recorder.take_glances()))?;
    let (rulings, showings) = world.recorder.take_standing();
    first_of("who may act", &check_standing(&rulings, &showings))?;
    first_of("entrance", &check_entrance(&world.recorder.take_passes()))?;
    let log = log_of(world)?;
    world.outside.check()?;
    outbox::judge(&log, &world.outside.attempts())?;
    feed::judge(&log, &world.watched)?;
    first_of("revision replay", &check_replay(&log, &history, request_key))?;
    let history = resolve(&log, &history, request_key);
    match check_linearizability(&history, Bounds { steps_max: STEPS_MAX, ..Bounds::default() }) {
        Verdict::Passed => Ok(()),
        Verdict::Failed(violations) => first_of("linearizability", &violations),
        Verdict::Unknown(why) => Err(format!("linearizability: unknown, {}", why.join("; "))),
    }
}

/// Who watches and has not been shown everything yet.
///
/// # Errors
///
/// When the log cannot be read.
pub fn behind(world: &World) -> Result<Vec<String>, String> {
    Ok(world.watched.behind(&feed::told_by(&log_of(world)?).happened))
}

fn first_of(judge: &str, violations: &[Violation]) -> Result<(), String> {
    match violations.first() {
        None => Ok(()),
        Some(first) => Err(format!("{judge}: {first} ({} in all)", violations.len())),
    }
}

/// The requests of the committed log, by index.
fn log_of(world: &World) -> Result<Vec<(u64, Entry)>, String> {
    let carried = world.invariants.committed().entries().filter_map(|entry| match &entry.payload {
        Payload::Commands(bytes) => Some((entry.id.index, bytes)),
        Payload::Blank | Payload::Membership(_) => None,
    });
    let decode = |(index, bytes): (u64, &bytes::Bytes)| {
        let entry = codec::decode_entry(bytes).map_err(|error| format!("entry {index}: {error}"))?;
        Ok((index, entry))
    };
    carried.map(decode).collect()
}

/// What is there, of the slots that the history is about.
fn end_of(rows: &[(Key, Row)], park: &Park) -> End {
    let pools: BTreeMap<PoolId, &PoolCounts> = rows
        .iter()
        .filter_map(|(key, row)| match (key, row) {
            (Key::Pool(id), Row::Pool(counts)) => Some((*id, &**counts)),
            _ => None,
        })
        .collect();
    let mut end = End::default();
    for (key, row) in rows {
        match (key, row) {
            (Key::Slot(id), Row::Slot(slot)) if park.records(*id) => {
                end.slots.insert(*id, counts_of(slot, &pools));
            }
            (Key::Booking(id), Row::Booking(booking)) if park.records(booking.slot) => {
                let status = Status::of(&booking.state);
                let (slot, owner, count) = (booking.slot, booking.user, booking.count);
                let revision = Some(booking.revision);
                end.bookings.insert(*id, Booking { id: *id, slot, owner, count, status, revision });
            }
            _ => (),
        }
    }
    end
}

fn counts_of(slot: &Slot, pools: &BTreeMap<PoolId, &PoolCounts>) -> Counts {
    let mut sum = Counts { capacity: 0, available: 0, held: 0, confirmed: 0 };
    for counts in slot.pools.iter().filter_map(|pool| pools.get(&pool.id)) {
        sum.capacity += u64::from(counts.capacity);
        sum.available += u64::from(counts.available);
        sum.held += u64::from(counts.held);
        sum.confirmed += u64::from(counts.confirmed);
    }
    sum
}
