//! The jobs that wait for a resource: in order of priority, then as they came, admitted at the rate its policy says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{JOBS_WAITING_MAX, Job, JobState, PRIORITY_MAX};
use crate::context::Context;
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

/// How far a resource's queue has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// The first microsecond in which the next job may be admitted.
    pub next_at_micros: u64,
    /// When somebody looks at it again, if anything waits.
    pub looked_at: Option<Timestamp>,
    /// By priority.
    pub lanes: BTreeMap<u8, Lane>,
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
    let first = queue.next_at_micros.saturating_sub(micros(now));
    Some(Millis(first.saturating_add(interval.saturating_mul(before)).div_ceil(1000)))
}

/// Jobs of a resource that are admitted in a thousand seconds; `None` if nothing limits them.
pub(super) fn rate(rows: &dyn ReadRows, resource: ResourceId) -> Option<u64> {
    Chain::of_resource(rows, resource).field(rows, PolicyField::AdmissionRate)
}

/// Whether a job may run at this moment; if so, it has been admitted.
pub(super) fn is_admitted(context: &mut Context<'_>, resource: ResourceId) -> bool {
    let Some(rate) = rate(context, resource) else { return true };
    let mut queue = context.row::<Queue>(resource).map(|queue| (*queue).clone()).unwrap_or_default();
    let now = micros(context.now);
    let Some(interval) = MICROS_PER_RATE.checked_div(rate) else { return false };
    if queue.next_at_micros > now {
        return false;
    }
    queue.next_at_micros = now.saturating_add(interval);
    context.put(resource, queue);
    true
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
    if queue.waiting() >= JOBS_WAITING_MAX {
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

/// The first job that waits, taken out.
pub(super) fn next(context: &mut Context<'_>, resource: ResourceId) -> Option<JobId> {
    let range = key(resource, PRIORITY_MAX, 0)..key(resource, 0, u64::MAX);
    let (first, row) = context.scan(range, Order::Ascending, 1).into_iter().next()?;
    let (Key::JobWaiting(_, lane_key, _), Row::JobWaiting(id)) = (&first, row) else { return None };
    let priority = PRIORITY_MAX.saturating_sub(*lane_key);
    let mut queue = context.row::<Queue>(resource).map(|queue| (*queue).clone()).unwrap_or_default();
    let lane = queue.lanes.entry(priority).or_default();
    lane.left = lane.left.saturating_add(1);
    context.put(resource, queue);
    context.delete(first);
    Some(id)
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
        Some(_) => Timestamp(queue.next_at_micros.div_ceil(1000)).min(context.now.plus(PAUSE_DURATION)),
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
