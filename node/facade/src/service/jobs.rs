//! Jobs: accepted now, run when their turn comes; and bookings that have to wait for theirs.

use std::sync::PoisonError;
use std::time::Duration;

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    Book, Booking, BookingId, Command, Enqueue, Job, JobCommand, JobId, JobState, Millis, Outcome, Places,
    PolicyField, Promise, ReadTyped as _, Reserve, Resource, ResourceId, Revision, Seats, Slot, SlotName,
    estimated_wait, has_any_policy, job_position, policy_of_resource,
};
use tokio::time::Instant;

use crate::problem::{Problem, Result, success, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

/// How often a job that is waited for is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

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

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.job.state, JobState::Done { .. })
    }
}

impl Service {
    /// Accepts a command as a job.
    pub(crate) async fn enqueue(
        &self,
        caller: Caller,
        enqueue: Enqueue,
        call: &CallContext,
    ) -> Result<(JobView, Revision)> {
        match self.submit(caller.principal(), Command::Enqueue(enqueue), call).await? {
            (Outcome::Job(id, accepted), revision) => {
                // A retry is answered with the job as it was; what has become of it the rows say.
                let now = self.look(|view| Some(JobView::of(view, id, (*view.row::<Job>(id)?).clone())))?;
                let before = || JobView { id, job: *accepted, position: None, wait: Some(Millis(0)) };
                Ok((now.unwrap_or_else(before), revision))
            }
            (other, _) => Err(unexpected(&other)),
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
        loop {
            let read = self.job(asked, id).await?;
            let next = Instant::now() + LOOK_INTERVAL;
            if read.value.is_done() || next >= until {
                return Ok(read);
            }
            self.job_ends(id, until).await;
        }
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
        call: &CallContext,
        revision: Revision,
    ) -> Result<(BookingId, Booking, Revision)> {
        loop {
            let state = self.look(|view| view.row::<Job>(id).map(|job| job.state.clone()))?;
            match state {
                Some(JobState::Done { outcome, .. }) => {
                    let outcome = success(*outcome, revision)?;
                    let Outcome::Booking(id, booking) = &outcome else { return Err(unexpected(&outcome)) };
                    return Ok((*id, booking.clone(), booking.revision));
                }
                Some(JobState::Delayed | JobState::Waiting { .. }) => (),
                None => return Err(Problem::not_found("job_not_found", id)),
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
    let slot = match slot {
        SlotName::Window(resource, _) => return view.row::<Resource>(resource).map(|_| resource),
        SlotName::Id(id) => id,
        SlotName::OfPool(pool) => view.row::<Seats>(pool)?.slot,
    };
    Some(view.row::<Slot>(slot)?.resource)
}
