//! Runs jobs whose turn or moment has come, and forgets what became of them.

use super::{Job, JobCommand, JobState, attempt, enqueue, forgotten_at, promised, queue};
use crate::bookings::reserve::{self, Reserve};
use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::due::DueKind;
use crate::event::BookingEvent;
use crate::ids::{JobId, ResourceId};
use crate::outcome::{Halt, MissingRow, Outcome};
use crate::rows::Key;
use crate::slots::Slot;
use crate::time::Timestamp;

/// Jobs that one look at a queue admits: as many as a tick takes of anything.
const ADMITTED_MAX: usize = 256;

/// Runs a job: its outcome is kept, whatever it is.
pub(super) fn run(context: &mut Context<'_>, id: JobId, job: &Job, at: Timestamp) -> Result<Job, Halt> {
    let promised = promised(context, job);
    let outcome = attempt(context, job.principal, |context| match (&job.command, &promised) {
        (JobCommand::Confirm(confirm), _) => confirm.apply(context),
        (JobCommand::Reserve(wanted), None) => wanted.apply(context),
        (JobCommand::Reserve(wanted), Some((id, queued))) => keep_promise(context, wanted, *id, queued),
    });
    finish(context, id, job, outcome, at)
}

/// Keeps what a job came to, and tells its promised booking if that is nothing.
fn finish(
    context: &mut Context<'_>,
    id: JobId,
    job: &Job,
    outcome: Outcome,
    at: Timestamp,
) -> Result<Job, Halt> {
    if let (Some((booking_id, queued)), false) =
        (promised(context, job), matches!(outcome, Outcome::Booking(..)))
    {
        let state = BookingState::Rejected { at: context.now };
        let rejected = Booking { state, ..(*queued).clone() };
        bookings::change(context, booking_id, rejected, BookingEvent::Rejected)?;
    }
    let forgotten_at = forgotten_at(context);
    let state = JobState::Done { at, outcome: Box::new(outcome), forgotten_at };
    let done = Job { state, ..job.clone() };
    context.put(id, done.clone());
    context.index(Key::Due(forgotten_at, DueKind::JobForgotten, id.0));
    Ok(done)
}

fn keep_promise(
    context: &mut Context<'_>,
    wanted: &Reserve,
    id: crate::ids::BookingId,
    queued: &Booking,
) -> Result<Outcome, Halt> {
    let actor = context.actor()?;
    reserve::owner(context, actor, wanted.user)?;
    let (id, booking) = wanted.take(context, Some((id, queued)), actor.user, queued.user)?;
    Ok(Outcome::Booking(id, booking))
}

/// The moment of a delayed job has come.
pub(crate) fn become_due(context: &mut Context<'_>, id: JobId) -> Result<(), Halt> {
    let job = context.expect_row::<Job>(id, MissingRow::Job(id))?;
    let accepted = match resource_of(context, &job.command) {
        Ok(resource) => {
            queue::leave_later(context, resource);
            enqueue::accept(context, id, &job, resource)
        }
        Err(halt) => Err(halt),
    };
    match accepted {
        // A queue that is full by now is what the job came to.
        Err(Halt::Rejected(rejection)) => {
            finish(context, id, &job, Outcome::Rejected(rejection), context.now).map(drop)
        }
        other => other.map(drop),
    }
}

/// For whose places a job waits.
fn resource_of(context: &Context<'_>, command: &JobCommand) -> Result<ResourceId, Halt> {
    match command {
        JobCommand::Reserve(wanted) => {
            reserve::find_slot(context, wanted.slot).map(|(_, slot)| slot.resource)
        }
        JobCommand::Confirm(confirm) => {
            let id = confirm.booking;
            let booking = context.expect_row::<Booking>(id, MissingRow::Booking(id))?;
            let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
            Ok(slot.resource)
        }
    }
}

/// Admits the jobs of a resource whose turn has come.
pub(crate) fn admit(context: &mut Context<'_>, resource: ResourceId) -> Result<(), Halt> {
    for _ in 0..ADMITTED_MAX {
        let Some((first, id)) = queue::first(context, resource) else { break };
        let job = context.expect_row::<Job>(id, MissingRow::Job(id))?;
        let since = job.created_at.max(job.not_before);
        let Some(at) = queue::admitted_at(context, resource, since) else { break };
        queue::take_out(context, resource, first);
        run(context, id, &job, at)?;
    }
    queue::look_later(context, resource);
    Ok(())
}

/// What became of a job is not kept any longer.
pub(crate) fn forget(context: &mut Context<'_>, id: JobId) {
    context.delete(Key::Job(id));
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn who_waits_is_admitted_at_the_rate_though_ticks_are_rarer() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000000 to=2000000 capacity=99
            at 0 olga sets policy resource:1 rate=1000000
            at 0 mia queues slot:1 count=1
            at 0 tom queues slot:1 count=1
            at 0 ann queues slot:1 count=1
            at 0 sam queues slot:1 count=1
            at 0 mia queues slot:1 count=1
            at 3 tick
            at 3 look job:2
            at 3 look job:3
            at 3 look job:4
            at 3 look job:5
            at 9 tick
            at 9 look job:5
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000000 to=2000000 capacity=99 -> slot:1 [slot.opened]
                olga sets policy resource:1 rate=1000000 -> Resource(ResourceId(1)) rate=1000000
                mia queues slot:1 count=1 -> job:1 completed at=0: booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=600000 [booking.held]
                tom queues slot:1 count=1 -> job:2 waiting sequence=0
                ann queues slot:1 count=1 -> job:3 waiting sequence=1
                sam queues slot:1 count=1 -> job:4 waiting sequence=2
                mia queues slot:1 count=1 -> job:5 waiting sequence=3
                tick -> ticked 1 [booking.held booking.held booking.held]
                look job:2 -> job:2 completed at=1: booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=600003
                look job:3 -> job:3 completed at=2: booking:3 held slot:1 pool:1 user:5 count=1 version=1 until=600003
                look job:4 -> job:4 completed at=3: booking:4 held slot:1 pool:1 user:2 count=1 version=1 until=600003
                look job:5 -> job:5 waiting sequence=3 position=0 wait=Some(1)
                tick -> ticked 1 [booking.held]
                look job:5 -> job:5 completed at=4: booking:5 held slot:1 pool:1 user:3 count=1 version=1 until=600009
            "#]],
        );
    }

    #[test]
    fn a_rate_that_was_raised_counts_at_once() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000000 to=2000000 capacity=99
            at 0 olga sets policy resource:1 rate=1
            at 0 mia queues slot:1 count=1
            at 0 tom queues slot:1 count=1
            at 5000 olga sets policy resource:1 rate=10000
            at 5000 tick
            at 5100 tick
            at 5100 look job:2
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000000 to=2000000 capacity=99 -> slot:1 [slot.opened]
                olga sets policy resource:1 rate=1 -> Resource(ResourceId(1)) rate=1
                mia queues slot:1 count=1 -> job:1 completed at=0: booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=600000 [booking.held]
                tom queues slot:1 count=1 -> job:2 waiting sequence=0
                olga sets policy resource:1 rate=10000 -> Resource(ResourceId(1)) rate=10000
                tick -> ticked 1
                tick -> ticked 1 [booking.held]
                look job:2 -> job:2 completed at=5100: booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=605100
            "#]],
        );
    }
}
