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

/// Jobs that one look at a queue admits: as many as a tick takes of anything.
const ADMITTED_MAX: usize = 256;

/// Runs a job: its outcome is kept, whatever it is.
pub(super) fn run(context: &mut Context<'_>, id: JobId, job: &Job) -> Result<Job, Halt> {
    let promised = promised(context, job);
    let outcome = attempt(context, job.principal, |context| match (&job.command, &promised) {
        (JobCommand::Confirm(confirm), _) => confirm.apply(context),
        (JobCommand::Reserve(wanted), None) => wanted.apply(context),
        (JobCommand::Reserve(wanted), Some((id, queued))) => keep_promise(context, wanted, *id, queued),
    });
    finish(context, id, job, outcome)
}

/// Keeps what a job came to, and tells its promised booking if that is nothing.
fn finish(context: &mut Context<'_>, id: JobId, job: &Job, outcome: Outcome) -> Result<Job, Halt> {
    if let (Some((booking_id, queued)), false) =
        (promised(context, job), matches!(outcome, Outcome::Booking(..)))
    {
        let state = BookingState::Rejected { at: context.now };
        let rejected = Booking { state, ..(*queued).clone() };
        bookings::change(context, booking_id, rejected, BookingEvent::Rejected)?;
    }
    let forgotten_at = forgotten_at(context);
    let state = JobState::Done { at: context.now, outcome: Box::new(outcome), forgotten_at };
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
        Ok(resource) => enqueue::accept(context, id, &job, resource),
        Err(halt) => Err(halt),
    };
    match accepted {
        // A queue that is full by now is what the job came to.
        Err(Halt::Rejected(rejection)) => finish(context, id, &job, Outcome::Rejected(rejection)).map(drop),
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
        if queue::is_empty(context, resource) || !queue::is_admitted(context, resource) {
            break;
        }
        let Some(id) = queue::next(context, resource) else { break };
        let job = context.expect_row::<Job>(id, MissingRow::Job(id))?;
        run(context, id, &job)?;
    }
    queue::look_later(context, resource);
    Ok(())
}

/// What became of a job is not kept any longer.
pub(crate) fn forget(context: &mut Context<'_>, id: JobId) {
    context.delete(Key::Job(id));
}
