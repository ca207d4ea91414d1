//! Accepts a command to be run when its turn comes: at once, if nothing limits it.

use serde::{Deserialize, Serialize};

use super::{Job, JobCommand, JobState, PRIORITY_MAX, queue, run};
use crate::bookings::reserve::{self, Reserve};
use crate::bookings::{self, Booking, BookingState};
use crate::context::{Actor, Context};
use crate::due::DueKind;
use crate::ids::{BookingId, JobId, PoolId, ResourceId, UserId};
use crate::outcome::{Halt, MissingRow, Outcome, Rejection};
use crate::rows::{Key, ReadTyped as _};
use crate::slots::Slot;
use crate::time::Timestamp;

/// Accepts a command. What can be told at once to be nonsense is refused at once; all else becomes a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enqueue {
    /// What is to be done.
    pub command: JobCommand,
    /// Jobs with a higher one go first; 0 to 9, and above 0 for staff, operators and apps only.
    pub priority: u8,
    /// It does not run before.
    pub not_before: Option<Timestamp>,
    /// Whether the caller wants to know the booking before it has its places.
    pub promise: Promise,
}

/// Whether a booking is there while its job waits. The order is a stored format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Promise {
    /// It is made when it gets its places.
    #[default]
    None,
    /// It is made at once, queued, and rejected if it gets no places.
    Booking,
}

impl Enqueue {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        if self.priority > PRIORITY_MAX || (self.priority > 0 && !actor.role.books_for_others()) {
            return Err(Rejection::Forbidden.into());
        }
        let (user, resource) = match &self.command {
            JobCommand::Reserve(reserve) => expect_reserve(context, actor, reserve)?,
            JobCommand::Confirm(confirm) => {
                let booking = bookings::find(context, actor, confirm.booking)?;
                let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
                (booking.user, slot.resource)
            }
        };
        if let Some(not_before) = self.not_before {
            expect_before_the_end(context, &self.command, not_before)?;
        }
        let id = context.next_job()?;
        let not_before = self.not_before.map_or(context.now, |moment| moment.max(context.now));
        let mut job = Job {
            user,
            principal: context.principal,
            command: self.command.clone(),
            booking: None,
            priority: self.priority_in_turn(),
            not_before,
            created_at: context.now,
            state: JobState::Delayed,
        };
        job.booking = self.promised(context, id, actor.user, &job)?;
        if not_before > context.now {
            queue::enter_later(context, resource)?;
            context.index(Key::Due(not_before, DueKind::JobDue, id.0));
            context.put(id, job.clone());
        } else {
            job = accept(context, id, &job, resource)?;
        }
        Ok(Outcome::Job(id, Box::new(job)))
    }

    /// Who has places already does not wait behind those who want some, or they would lapse meanwhile.
    fn priority_in_turn(&self) -> u8 {
        match self.command {
            JobCommand::Reserve(_) => self.priority,
            JobCommand::Confirm(_) => PRIORITY_MAX,
        }
    }

    /// The booking that is there while the job waits, if the caller wants it.
    fn promised(
        &self,
        context: &mut Context<'_>,
        job: JobId,
        booked_by: UserId,
        accepted: &Job,
    ) -> Result<Option<BookingId>, Halt> {
        let (Promise::Booking, JobCommand::Reserve(reserve)) = (self.promise, &self.command) else {
            return Ok(None);
        };
        let (slot_id, slot) = reserve::find_slot(context, reserve.slot)?;
        let named = reserve.pool_named();
        let pool = slot.pool(named).map(|pool| pool.id);
        let pool = pool.ok_or(Rejection::PoolNotFound(named.unwrap_or(PoolId(0))))?;
        let id = context.next_booking()?;
        let booking = Booking {
            slot: slot_id,
            pool,
            user: accepted.user,
            booked_by,
            count: 0,
            seats: Vec::new(),
            state: BookingState::Queued { job },
            version: 1,
            booked_at: context.now,
            revision: context.revision,
            payment: None,
        };
        context.index(Key::BookingByUser(accepted.user, id));
        context.index(Key::BookingBySlot(slot_id, id));
        context.put(id, booking);
        Ok(Some(id))
    }
}

/// Runs a job whose moment has come, or lets it wait behind those who are there.
pub(super) fn accept(
    context: &mut Context<'_>,
    id: JobId,
    job: &Job,
    resource: ResourceId,
) -> Result<Job, Halt> {
    if queue::is_empty(context, resource)
        && let Some(at) = queue::admitted_at(context, resource, context.now)
    {
        return run::run(context, id, job, at);
    }
    let state = queue::enter(context, resource, id, job.priority)?;
    let waiting = Job { state, ..job.clone() };
    context.put(id, waiting.clone());
    Ok(waiting)
}

/// Refuses what is to wait until there is nothing left to be had.
fn expect_before_the_end(
    context: &Context<'_>,
    command: &JobCommand,
    not_before: Timestamp,
) -> Result<(), Halt> {
    let slot = match command {
        JobCommand::Reserve(wanted) => reserve::find_slot(context, wanted.slot).map(|(_, slot)| slot)?,
        JobCommand::Confirm(confirm) => {
            let missing = Rejection::BookingNotFound(confirm.booking);
            let booking = context.row::<Booking>(confirm.booking).ok_or(missing)?;
            context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?
        }
    };
    let ended_at = slot.window.ends_at();
    if not_before < ended_at { Ok(()) } else { Err(Rejection::TooLate { ended_at }.into()) }
}

/// What is wrong with a wish for places whatever its turn will bring.
fn expect_reserve(
    context: &Context<'_>,
    actor: Actor,
    wanted: &Reserve,
) -> Result<(UserId, ResourceId), Halt> {
    let user = reserve::owner(context, actor, wanted.user)?;
    let (_, slot) = reserve::find_slot(context, wanted.slot)?;
    let named = wanted.pool_named();
    if slot.pool(named).is_none() {
        return Err(Rejection::PoolNotFound(named.unwrap_or(PoolId(0))).into());
    }
    Ok((user, slot.resource))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn what_nothing_limits_runs_at_once() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000000 to=2000000 count=2
            at 0 mia queues slot:1 seats=1
            at 0 tom queues slot:1 seats=1
            at 0 tom queues slot:9 seats=1
            at 0 tom queues slot:1 priority=1
            at 299999 tick
            at 299999 look job:1
            at 300000 tick
            at 300000 look job:1
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000000 to=2000000 count=2 -> slot:1 [slot.opened]
                mia queues slot:1 seats=1 -> job:1 completed at=0: booking:1 held slot:1 pool:1 user:3 count=1 version=1 seats=1 until=600000 [booking.held]
                tom queues slot:1 seats=1 -> job:2 completed at=0: seat_taken 1 held_until=600000
                tom queues slot:9 seats=1 -> slot_not_found slot:9
                tom queues slot:1 priority=1 -> forbidden
                tick -> ticked 0
                look job:1 -> job:1 completed at=0: booking:1 held slot:1 pool:1 user:3 count=1 version=1 seats=1 until=600000
                tick -> ticked 2
                look job:1 -> nothing
            "#]],
        );
    }

    #[test]
    fn the_first_in_the_queue_is_served_first_at_the_rate_of_the_policy() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000000 to=2000000 count=2
            at 0 olga sets policy resource:1 rate=2000
            at 0 mia queues slot:1 seats=1
            at 0 tom queues slot:1 seats=1
            at 0 ann queues slot:1 seats=2
            at 0 olga queues slot:1 seats=2 priority=5
            at 0 look job:2
            at 0 look job:3
            at 0 look job:4
            at 499 tick
            at 500 tick
            at 500 look job:4
            at 500 look job:2
            at 1500 tick
            at 1500 look job:2
            at 2000 tick
            at 2000 look job:3
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000000 to=2000000 count=2 -> slot:1 [slot.opened]
                olga sets policy resource:1 rate=2000 -> Resource(ResourceId(1)) rate=2000
                mia queues slot:1 seats=1 -> job:1 completed at=0: booking:1 held slot:1 pool:1 user:3 count=1 version=1 seats=1 until=600000 [booking.held]
                tom queues slot:1 seats=1 -> job:2 waiting sequence=0
                ann queues slot:1 seats=2 -> job:3 waiting sequence=1
                olga queues slot:1 seats=2 priority=5 -> job:4 waiting sequence=0
                look job:2 -> job:2 waiting sequence=0 position=1 wait=Some(1000)
                look job:3 -> job:3 waiting sequence=1 position=2 wait=Some(1500)
                look job:4 -> job:4 waiting sequence=0 position=0 wait=Some(500)
                tick -> ticked 0
                tick -> ticked 1 [booking.held]
                look job:4 -> job:4 completed at=500: booking:2 held slot:1 pool:1 user:1 count=1 version=1 seats=2 until=600500
                look job:2 -> job:2 waiting sequence=0 position=0 wait=Some(500)
                tick -> ticked 1
                look job:2 -> job:2 completed at=1400: seat_taken 1 held_until=600000
                tick -> ticked 1
                look job:3 -> job:3 completed at=1900: seat_taken 2 held_until=600500
            "#]],
        );
    }

    #[test]
    fn a_job_waits_for_its_moment_and_a_promised_booking_is_there_meanwhile() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000000 to=2000000 count=1
            at 0 mia queues slot:1 best=1 for=60000 after=100 promise=yes
            at 0 look booking:1
            at 0 mia cancels booking:1
            at 0 tom queues slot:1 best=1 for=60000 promise=yes
            at 100 tick
            at 100 look booking:1
            at 100 look booking:2
            at 100 look job:1
            at 100 tom queues confirm booking:2
            at 100 tom queues confirm booking:2
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000000 to=2000000 count=1 -> slot:1 [slot.opened]
                mia queues slot:1 best=1 for=60000 after=100 promise=yes -> job:1 waiting not_before=100 promised=booking:1
                look booking:1 -> booking:1 queued slot:1 pool:1 user:3 count=0 version=1
                mia cancels booking:1 -> not_held
                tom queues slot:1 best=1 for=60000 promise=yes -> job:2 completed at=0: booking:2 held slot:1 pool:1 user:4 count=1 version=2 seats=1 until=60000 [booking.held]
                tick -> ticked 1 [booking.rejected]
                look booking:1 -> booking:1 rejected slot:1 pool:1 user:3 count=0 version=2
                look booking:2 -> booking:2 held slot:1 pool:1 user:4 count=1 version=2 seats=1 until=60000
                look job:1 -> job:1 completed at=100: slot_full available=0 sold_out_at=0
                tom queues confirm booking:2 -> job:3 completed at=100: booking:2 confirmed slot:1 pool:1 user:4 count=1 version=3 seats=1 [booking.confirmed]
                tom queues confirm booking:2 -> job:4 completed at=100: not_held
            "#]],
        );
    }

    #[test]
    fn who_has_places_does_not_wait_behind_those_who_want_some() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000000 to=2000000 capacity=9
            at 0 olga sets policy resource:1 rate=1000
            at 0 mia queues slot:1 count=1 for=60000
            at 0 tom queues slot:1 count=1 for=60000
            at 0 ann queues slot:1 count=1 for=60000
            at 10 mia queues confirm booking:1
            at 10 look job:4
            at 1000 tick
            at 1000 look job:4
            at 1000 look booking:1
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000000 to=2000000 capacity=9 -> slot:1 [slot.opened]
                olga sets policy resource:1 rate=1000 -> Resource(ResourceId(1)) rate=1000
                mia queues slot:1 count=1 for=60000 -> job:1 completed at=0: booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60000 [booking.held]
                tom queues slot:1 count=1 for=60000 -> job:2 waiting sequence=0
                ann queues slot:1 count=1 for=60000 -> job:3 waiting sequence=1
                mia queues confirm booking:1 -> job:4 waiting sequence=0
                look job:4 -> job:4 waiting sequence=0 position=0 wait=Some(990)
                tick -> ticked 1 [booking.confirmed]
                look job:4 -> job:4 completed at=1000: booking:1 confirmed slot:1 pool:1 user:3 count=1 version=2
                look booking:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=2
            "#]],
        );
    }

    #[test]
    fn nobody_waits_for_a_moment_at_which_nothing_is_left() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 0 mia queues slot:1 count=1 after=2000
            at 0 mia queues slot:1 count=1 after=1999
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia queues slot:1 count=1 after=2000 -> too_late ended_at=2000
                mia queues slot:1 count=1 after=1999 -> job:1 waiting not_before=1999
            "#]],
        );
    }
}
