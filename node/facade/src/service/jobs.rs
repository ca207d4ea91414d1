//! Jobs: accepted now, run when their turn comes; and bookings that have to wait for theirs.

use std::sync::PoisonError;
use std::time::Duration;

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    Book, Booking, BookingId, Command, Enqueue, Job, JobCommand, JobId, JobState, Millis, Outcome, Places,
    PolicyField, Promise, ReadRows, ReadTyped as _, Reserve, Resource, ResourceId, Revision, Seats, Slot,
    SlotId, SlotName, Timestamp, estimated_wait, has_any_policy, is_new_request, job_position,
    policy_of_resource,
};
use tokio::time::Instant;

use crate::problem::{Problem, Result, success, unexpected};
use crate::service::{Asked, CallContext, Caller, Service, as_of};
use crate::wire::instant;

/// How often a job that is waited for is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What is left of the time of a call that waited, to read what became of what it waited for and to answer.
const ANSWER_DURATION: Duration = Duration::from_millis(500);

/// Until when a call waits that would wait so long: its caller is answered before he gives up.
pub(crate) fn wait_end(wait: Duration, deadline: Instant) -> Instant {
    let now = Instant::now();
    deadline.checked_sub(ANSWER_DURATION).map_or(now, |latest| (now + wait).min(latest))
}

/// What a wish for places came to.
pub(crate) enum Taken {
    Booking(BookingId, Booking, Revision),
    /// It was accepted. What became of it was not waited for, or is not known any more.
    Job(JobView),
}

/// What is known of a job that is waited for.
enum Fate {
    Waits,
    Done(Box<Outcome>),
    Forgotten,
}

/// A job, and how long it has probably still to wait.
pub(crate) struct JobView {
    pub(crate) id: JobId,
    pub(crate) job: Job,
    /// How many go before it, while it waits.
    pub(crate) position: Option<u64>,
    /// `None` while nobody is admitted.
    pub(crate) wait: Option<Millis>,
}

impl JobView {
    pub(super) fn of(view: &View<'_>, id: JobId, job: Job) -> Self {
        let (position, wait) = (job_position(view, &job), estimated_wait(view, &job, view.now()));
        Self { id, job, position, wait }
    }

    /// A job as it was when it was accepted.
    fn accepted(id: JobId, job: Job) -> Self {
        Self { id, job, position: None, wait: Some(Millis(0)) }
    }

    pub(crate) fn is_done(&self) -> bool {
        is_done(&self.job)
    }
}

impl Taken {
    /// The job a command was accepted as that is always one.
    pub(crate) fn into_job(self) -> Result<JobView> {
        match self {
            Self::Job(view) => Ok(view),
            Self::Booking(id, booking, _) => Err(unexpected(&Outcome::Booking(id, booking))),
        }
    }

    /// The booking, for callers who are told of nothing else.
    pub(crate) fn into_booking(self) -> Result<(BookingId, Booking, Revision)> {
        match self {
            Self::Booking(id, booking, revision) => Ok((id, booking, revision)),
            Self::Job(view) => {
                let detail = "this call waited for its turn, and what came of it is not kept any longer; look, then use \
                              a new key";
                Err(Problem::new(409, "key_expired", detail).with("jobId", view.id.0.into()))
            }
        }
    }
}

impl Fate {
    fn of(rows: &impl ReadRows, id: JobId, accepted: &Job) -> Self {
        let state = rows.row::<Job>(id).map(|job| job.state.clone());
        // What is forgotten may have been done at once, and its booking may have been promised.
        let state = state.or_else(|| is_done(accepted).then(|| accepted.state.clone()));
        match state {
            Some(JobState::Done { outcome, .. }) => Self::Done(outcome),
            Some(JobState::Delayed | JobState::Waiting { .. }) => Self::Waits,
            None => {
                let promised = accepted.booking.and_then(|id| Some((id, rows.row::<Booking>(id)?)));
                promised.map_or(Self::Forgotten, |(id, booking)| {
                    Self::Done(Box::new(Outcome::Booking(id, (*as_of(rows, booking)).clone())))
                })
            }
        }
    }
}

fn is_done(job: &Job) -> bool {
    matches!(job.state, JobState::Done { .. })
}

impl Service {
    /// Accepts a command as a job; or answers a call that was made before, without a wish for a job.
    pub(crate) async fn enqueue(
        &self,
        caller: Caller,
        enqueue: Enqueue,
        call: &CallContext,
    ) -> Result<Taken> {
        match self.submit(caller.principal(), Command::Enqueue(enqueue), call).await? {
            (Outcome::Job(id, accepted), _) => {
                // A retry is answered with the job as it was; what has become of it the rows say.
                let now = self.look(|view| Some(JobView::of(view, id, (*view.row::<Job>(id)?).clone())))?;
                Ok(Taken::Job(now.unwrap_or_else(|| JobView::accepted(id, *accepted))))
            }
            (Outcome::Booking(id, booking), revision) => Ok(Taken::Booking(id, booking, revision)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Refuses a wish that is not to be tried before its slot is over, as far as this node knows the slot, unless it was
    /// answered before.
    pub(crate) fn expect_before_end(
        &self,
        caller: Caller,
        wanted: &Reserve,
        not_before: Timestamp,
        call: &CallContext,
    ) -> Result<()> {
        let ends_at = self.look(|view| {
            let slot = view.row::<Slot>(slot_of(view, wanted.slot)?)?;
            is_new_request(view, caller.principal(), call.id).then(|| slot.window.ends_at())
        })?;
        match ends_at {
            Some(ends_at) if not_before >= ends_at => {
                let ends_at = instant(ends_at);
                Err(Problem::senseless(format!(
                    "notBefore is before the end of the slot, which is {ends_at}"
                )))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A job the caller may know of.
    pub(crate) async fn job(&self, asked: Asked, id: JobId) -> Result<Read<JobView>> {
        let with = |view: &View<'_>, caller: Caller| {
            let job = view.row::<Job>(id).filter(|job| job.is_visible_to(caller.user, caller.role));
            let job = job.ok_or_else(|| Problem::not_found("job_not_found", id))?;
            Ok(JobView::of(view, id, (*job).clone()))
        };
        self.read_as(asked, with).await
    }

    /// A job once it is done, or as it is at a moment.
    pub(crate) async fn await_job(&self, asked: Asked, id: JobId, until: Instant) -> Result<Read<JobView>> {
        let mut read = self.job(asked, id).await?;
        while !read.value.is_done() && Instant::now() + LOOK_INTERVAL < until {
            self.job_ends(id, until).await;
            match self.job(asked, id).await {
                // What was read before still answers this call, which nothing newer does in time.
                Err(problem) if problem.status == 503 => break,
                newer => read = newer?,
            }
        }
        Ok(read)
    }

    /// Waits until a job is done or forgotten, as far as this node knows, or a moment comes.
    pub(super) async fn job_ends(&self, id: JobId, until: Instant) {
        let is_done = || {
            let state = self.look(|view| view.row::<Job>(id).map(|job| job.state.clone()));
            !matches!(state, Ok(Some(JobState::Delayed | JobState::Waiting { .. })))
        };
        while Instant::now() + LOOK_INTERVAL < until && !is_done() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// What a job comes to, if it does before the caller's deadline.
    pub(super) async fn await_booking(
        &self,
        id: JobId,
        accepted: Job,
        call: &CallContext,
        revision: Revision,
    ) -> Result<Taken> {
        loop {
            match self.look(|view| Fate::of(view, id, &accepted))? {
                Fate::Done(outcome) => {
                    let outcome = success(*outcome, revision)?;
                    let Outcome::Booking(id, booking) = outcome else { return Err(unexpected(&outcome)) };
                    let revision = booking.revision;
                    return Ok(Taken::Booking(id, booking, revision));
                }
                Fate::Waits => (),
                Fate::Forgotten => return Ok(Taken::Job(JobView::accepted(id, accepted))),
            }
            if Instant::now() + LOOK_INTERVAL >= call.deadline {
                let detail =
                    "you are waiting for your turn; retry with the same idempotency key to go on waiting";
                return Err(Problem::new(504, "outcome_unknown", detail).with("jobId", id.0.into()));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// A wish for places as a job, if those who want such places are admitted one after the other.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other commands are no wishes for places")]
    pub(super) fn in_turn(&self, command: Command) -> Command {
        let wanted = match command {
            Command::Reserve(wanted) if self.has_waiting_room(wanted.slot) => wanted,
            Command::Book(Book { slot, pool, count, user }) if self.has_waiting_room(slot) => {
                Reserve { slot, pool, places: Places::Count(count), hold: None, user }
            }
            other => return other,
        };
        let (command, promise) = (JobCommand::Reserve(wanted), Promise::None);
        Command::Enqueue(Enqueue { command, priority: 0, not_before: None, promise })
    }

    fn has_waiting_room(&self, slot: SlotName) -> bool {
        if !self.has_rates() {
            return false;
        }
        let limited = self.look(|view| {
            let resource = resource_of(view, slot)?;
            policy_of_resource(view, resource, PolicyField::AdmissionRate)
        });
        matches!(limited, Ok(Some(_)))
    }

    /// Whether anybody is admitted at a rate anywhere: looked up when a policy has changed.
    fn has_rates(&self) -> bool {
        // Taken first: a change that comes while we look makes what we saw one of an older epoch.
        let epoch = self.parts.metrics.policies_epoch();
        let lock = || self.parts.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, has_rates)) = *lock()
            && known == epoch
        {
            return has_rates;
        }
        let Ok(has_rates) = self.look(|view| has_any_policy(view, PolicyField::AdmissionRate)) else {
            return true;
        };
        *lock() = Some((epoch, has_rates));
        has_rates
    }

    /// Looks at the rows of this node as they are.
    pub(crate) fn look<T>(&self, with: impl FnOnce(&View<'_>) -> T) -> Result<T> {
        Ok(self.parts.replica.look(with)?.0)
    }
}

fn resource_of(view: &View<'_>, slot: SlotName) -> Option<ResourceId> {
    if let SlotName::Window(resource, _) = slot {
        return view.row::<Resource>(resource).map(|_| resource);
    }
    Some(view.row::<Slot>(slot_of(view, slot)?)?.resource)
}

/// The slot of a name that is more than a window.
fn slot_of(view: &View<'_>, slot: SlotName) -> Option<SlotId> {
    match slot {
        SlotName::Window(..) => None,
        SlotName::Id(id) => Some(id),
        SlotName::OfPool(pool) => Some(view.row::<Seats>(pool)?.slot),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_waits_has_time_left_to_answer() {
        let now = Instant::now();
        let [long, short] = [Duration::from_secs(10), Duration::from_millis(100)];
        assert_eq!(wait_end(long, now + long), now + long - ANSWER_DURATION);
        let ends_at = wait_end(short, now + long);
        assert!(ends_at >= now + short && ends_at < now + long - ANSWER_DURATION);
        assert!(wait_end(long, now + short) < now + short, "there is no time to wait");
    }
}
