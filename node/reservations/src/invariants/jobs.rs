//! Jobs that wait, and what is to be forgotten of those that ran.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::bookings::{Booking, BookingState};
use crate::due::DueKind;
use crate::ids::ResourceId;
use crate::jobs::{Job, JobState, PRIORITY_MAX, Queue};
use crate::rows::{Key, ReadTyped as _, Row};

impl Check<'_> {
    /// INV-15: every job waits in one place, or has run and will be forgotten; a queue in which somebody waits is looked
    /// at; a booking is queued exactly while its job waits.
    pub(super) fn jobs(&mut self, rows: &[(Key, Row)]) {
        let mut expected = BTreeSet::new();
        let mut waiting: BTreeMap<ResourceId, u64> = BTreeMap::new();
        for (key, row) in rows {
            let (Key::Job(id), Row::Job(job)) = (key, row) else { continue };
            match &job.state {
                JobState::Delayed => {
                    expected.insert(Key::Due(job.not_before, DueKind::JobDue, id.0));
                }
                JobState::Waiting { resource, sequence } => {
                    let priority = PRIORITY_MAX.saturating_sub(job.priority);
                    expected.insert(Key::JobWaiting(*resource, priority, *sequence));
                    let count = waiting.entry(*resource).or_default();
                    *count = count.saturating_add(1);
                }
                JobState::Done { at, forgotten_at, .. } => {
                    expected.insert(Key::Due(*forgotten_at, DueKind::JobForgotten, id.0));
                    let now = self.now;
                    self.expect(job.created_at <= *at && *at <= now, || {
                        format!("INV-1: {id} ran out of time: {job:?}")
                    });
                }
            }
            self.promise(*id, job);
        }
        for (key, row) in rows {
            match (key, row) {
                (Key::Queue(resource), Row::Queue(queue)) => {
                    self.queue(*resource, queue, &mut waiting, &mut expected)
                }
                (Key::Booking(id), Row::Booking(booking)) => {
                    let BookingState::Queued { job } = booking.state else { continue };
                    let is_waiting = self.rows.row::<Job>(job).is_some_and(|job| job.booking == Some(*id));
                    self.expect(is_waiting, || format!("INV-15: {id} waits for {job}, which is not there"));
                }
                _ => (),
            }
        }
        self.expect(waiting.is_empty(), || format!("INV-15: jobs wait without a queue: {waiting:?}"));
        let is_of_jobs = |key: &&Key| {
            matches!(
                key,
                Key::JobWaiting(..)
                    | Key::Due(_, DueKind::JobDue | DueKind::JobForgotten | DueKind::JobsAdmitted, _)
            )
        };
        let found: BTreeSet<Key> = rows.iter().map(|(key, _)| key).filter(is_of_jobs).cloned().collect();
        for missing in expected.difference(&found) {
            self.broken.push(format!("INV-15: a job is lost: {missing:?}"));
        }
        for stray in found.difference(&expected) {
            self.broken.push(format!("INV-15: no job is there: {stray:?}"));
        }
    }

    fn promise(&mut self, id: crate::ids::JobId, job: &Job) {
        let Some(booking) = job.booking else { return };
        let state = self.rows.row::<Booking>(booking).map(|booking| booking.state);
        let is_queued = state == Some(BookingState::Queued { job: id });
        let is_waiting = !matches!(job.state, JobState::Done { .. });
        self.expect(is_queued == is_waiting, || {
            format!("INV-15: {id} is {:?}, {booking} {state:?}", job.state)
        });
    }

    fn queue(
        &mut self,
        resource: ResourceId,
        queue: &Queue,
        waiting: &mut BTreeMap<ResourceId, u64>,
        expected: &mut BTreeSet<Key>,
    ) {
        let found = waiting.remove(&resource).unwrap_or(0);
        self.expect(queue.waiting() == found, || {
            format!("INV-15: {found} jobs wait for {resource}, counted are {}", queue.waiting())
        });
        self.expect(queue.looked_at.is_some() == (found > 0), || {
            format!("INV-15: {found} jobs wait for {resource}, looked at {:?}", queue.looked_at)
        });
        if let Some(at) = queue.looked_at {
            expected.insert(Key::Due(at, DueKind::JobsAdmitted, resource.0));
        }
    }
}
