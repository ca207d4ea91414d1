//! The jobs that wait for a resource: in order of priority, then as they came, admitted at the rate its policy says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{JOBS_WAITING_MAX, Job, JobState, PRIORITY_MAX};
use crate::context::{Actor, Context};
use crate::due::DueKind;
use crate::ids::{JobId, ResourceId};
use crate::outcome::{Contradiction, Halt, Rejection};
use crate::policies::{Chain, PolicyField};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row};
use crate::time::{Millis, Timestamp};

/// Microseconds of a thousand seconds: a rate is in admissions a thousand seconds.
const MICROS_PER_RATE: u64 = 1_000_000_000;

/// When somebody who waits is looked at again though nobody is admitted: a policy may have changed.
const PAUSE_DURATION: Millis = Millis::from_seconds(1);

/// Admissions that a look at the queue came too late for are made good, those of the last moments: a tick cannot come
/// for each of a thousand in a second.
const CATCH_UP_MICROS: u64 = 100_000;

/// How far a resource's queue has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// The first microsecond in which the next job may be admitted.
    pub next_at_micros: u64,
    /// When somebody looks at it again, if anything waits.
    pub looked_at: Option<Timestamp>,
    /// By priority.
    pub lanes: BTreeMap<u8, Lane>,
    /// Jobs whose moment has not come.
    pub delayed: u64,
}

/// Jobs of one priority, numbered as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// How many came.
    pub entered: u64,
    /// How many of them ran.
    pub left: u64,
}

impl Queue {
    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.lanes.values().map(|lane| lane.entered.saturating_sub(lane.left)).sum()
    }

    fn is_full(&self) -> bool {
        self.waiting().saturating_add(self.delayed) >= JOBS_WAITING_MAX
    }

    /// How many go before the one with this number.
    fn before(&self, priority: u8, sequence: u64) -> u64 {
        let ahead = self.lanes.range(priority.saturating_add(1)..);
        let higher: u64 = ahead.map(|(_, lane)| lane.entered.saturating_sub(lane.left)).sum();
        let left = self.lanes.get(&priority).map_or(0, |lane| lane.left);
        higher.saturating_add(sequence.saturating_sub(left))
    }
}

/// How many jobs go before one that waits.
pub fn position(rows: &(impl ReadRows + ?Sized), job: &Job) -> Option<u64> {
    let JobState::Waiting { resource, sequence } = job.state else { return None };
    Some(rows.row::<Queue>(resource)?.before(job.priority, sequence))
}

/// How long it takes until so many have gone before.
pub(super) fn wait_of(
    rows: &dyn ReadRows,
    resource: ResourceId,
    before: u64,
    now: Timestamp,
) -> Option<Millis> {
    let rate = rate(rows, resource)?;
    let interval = MICROS_PER_RATE.checked_div(rate)?;
    let queue = rows.row::<Queue>(resource)?;
    let first = next_at(&queue, micros(now), interval).saturating_sub(micros(now));
    Some(Millis(first.saturating_add(interval.saturating_mul(before)).div_ceil(1000)))
}

/// Jobs of a resource that are admitted in a thousand seconds; `None` if nothing limits them.
pub(super) fn rate(rows: &dyn ReadRows, resource: ResourceId) -> Option<u64> {
    Chain::of_resource(rows, resource).field(rows, PolicyField::AdmissionRate)
}

/// Refuses guests and apps who would have more places by a change than by waiting for their turn.
pub(crate) fn expect_no_turns(context: &Context<'_>, actor: Actor, resource: ResourceId) -> Result<(), Halt> {
    match rate(context, resource) {
        Some(_) if !actor.role.checks_in() => Err(Rejection::WaitingRoom(resource).into()),
        Some(_) | None => Ok(()),
    }
}

/// The moment at which a job is admitted, if that has come: now, or one of the last moments if others wait and nobody
/// looked then, though not before `since`. Moments never decrease, and are an interval apart.
pub(super) fn admitted_at(
    context: &mut Context<'_>,
    resource: ResourceId,
    since: Timestamp,
) -> Option<Timestamp> {
    let Some(rate) = rate(context, resource) else { return Some(context.now) };
    let mut queue = context.row::<Queue>(resource).map(|queue| (*queue).clone()).unwrap_or_default();
    let now = micros(context.now);
    let interval = MICROS_PER_RATE.checked_div(rate)?;
    let next_at = next_at(&queue, now, interval);
    let is_admitted = next_at <= now;
    let moment = next_at.max(now.saturating_sub(CATCH_UP_MICROS)).max(micros(since));
    queue.next_at_micros = if is_admitted { moment.saturating_add(interval) } else { next_at };
    context.put(resource, queue);
    is_admitted.then_some(Timestamp(moment / 1000))
}

/// The first microsecond in which the next job may be admitted: no later than an interval from now, whatever the interval
/// was when the last one was.
fn next_at(queue: &Queue, now: u64, interval: u64) -> u64 {
    queue.next_at_micros.min(now.saturating_add(interval))
}

/// Whether anybody waits for a resource.
pub(super) fn is_empty(context: &Context<'_>, resource: ResourceId) -> bool {
    context.row::<Queue>(resource).is_none_or(|queue| queue.waiting() == 0)
}

/// Puts a job at the end of its lane, and has the queue looked at when the next may be admitted.
pub(super) fn enter(
    context: &mut Context<'_>,
    resource: ResourceId,
    id: JobId,
    priority: u8,
) -> Result<JobState, Halt> {
    let mut queue = context.row::<Queue>(resource).map(|queue| (*queue).clone()).unwrap_or_default();
    if queue.is_full() {
        return Err(Rejection::QueueFull.into());
    }
    let lane = queue.lanes.entry(priority).or_default();
    let sequence = lane.entered;
    lane.entered = lane.entered.checked_add(1).ok_or(Contradiction::Overflow)?;
    context.set(key(resource, priority, sequence), Row::JobWaiting(id));
    context.put(resource, queue);
    look_later(context, resource);
    Ok(JobState::Waiting { resource, sequence })
}

/// Counts a job that will come when its moment has.
pub(super) fn enter_later(context: &mut Context<'_>, resource: ResourceId) -> Result<(), Halt> {
    let queue = context.row::<Queue>(resource).map(|queue| (*queue).clone()).unwrap_or_default();
    if queue.is_full() {
        return Err(Rejection::QueueFull.into());
    }
    let delayed = queue.delayed.saturating_add(1);
    context.put(resource, Queue { delayed, ..queue });
    Ok(())
}

/// Counts a job no longer whose moment has come.
pub(super) fn leave_later(context: &mut Context<'_>, resource: ResourceId) {
    let Some(queue) = context.row::<Queue>(resource) else { return };
    let delayed = queue.delayed.saturating_sub(1);
    context.put(resource, Queue { delayed, ..(*queue).clone() });
}

/// The first job that waits.
pub(super) fn first(context: &Context<'_>, resource: ResourceId) -> Option<(Key, JobId)> {
    let range = key(resource, PRIORITY_MAX, 0)..key(resource, 0, u64::MAX);
    let (first, row) = context.scan(range, Order::Ascending, 1).into_iter().next()?;
    let Row::JobWaiting(id) = row else { return None };
    Some((first, id))
}

/// Takes the first job that waits out.
pub(super) fn take_out(context: &mut Context<'_>, resource: ResourceId, first: Key) {
    let Key::JobWaiting(_, lane_key, _) = first else { return };
    let priority = PRIORITY_MAX.saturating_sub(lane_key);
    let mut queue = context.row::<Queue>(resource).map(|queue| (*queue).clone()).unwrap_or_default();
    let lane = queue.lanes.entry(priority).or_default();
    lane.left = lane.left.saturating_add(1);
    context.put(resource, queue);
    context.delete(first);
}

/// Has the queue looked at when the next may be admitted, if anybody waits.
pub(super) fn look_later(context: &mut Context<'_>, resource: ResourceId) {
    let Some(queue) = context.row::<Queue>(resource) else { return };
    if let Some(before) = queue.looked_at {
        // A tick that came for it has deleted it already.
        context.delete(Key::Due(before, DueKind::JobsAdmitted, resource.0));
    }
    let looked_at = (queue.waiting() > 0).then(|| match rate(context, resource) {
        None => context.now,
        Some(0) => context.now.plus(PAUSE_DURATION),
        // Not longer than a pause: a policy may be changed meanwhile.
        Some(rate) => {
            let interval = MICROS_PER_RATE.checked_div(rate).unwrap_or(u64::MAX);
            let next_at = next_at(&queue, micros(context.now), interval);
            Timestamp(next_at.div_ceil(1000)).min(context.now.plus(PAUSE_DURATION))
        }
    });
    if let Some(at) = looked_at {
        context.index(Key::Due(at, DueKind::JobsAdmitted, resource.0));
    }
    context.put(resource, Queue { looked_at, ..(*queue).clone() });
}

/// Higher priorities first.
fn key(resource: ResourceId, priority: u8, sequence: u64) -> Key {
    Key::JobWaiting(resource, PRIORITY_MAX.saturating_sub(priority), sequence)
}

fn micros(at: Timestamp) -> u64 {
    at.0.saturating_mul(1000)
}
