//! Jobs: accepted commands that may have to wait for their turn, first come, first served, and what became of them.

pub mod enqueue;
pub mod queue;
pub mod run;

use serde::{Deserialize, Serialize};

pub use enqueue::Enqueue;
pub use queue::{Queue, position};

use crate::bookings::Booking;
use crate::bookings::reserve::Reserve;
use crate::context::Context;
use crate::holds::confirm::Confirm;
use crate::ids::{BookingId, JobId, ResourceId, UserId};
use crate::outcome::{Halt, Outcome};
use crate::principal::{Principal, Role};
use crate::rows::{ReadRows, ReadTyped as _};
use crate::time::{Millis, Timestamp};

/// Jobs that wait for one resource; beyond this the answer is "queue full".
pub const JOBS_WAITING_MAX: u64 = 100_000;

/// The highest priority; 0 is the usual one.
pub const PRIORITY_MAX: u8 = 9;

/// An accepted command, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Whose.
    pub user: UserId,
    /// On whose behalf it runs: judged again then.
    pub principal: Principal,
    /// What is to be done.
    pub command: JobCommand,
    /// The booking that was promised, if one was.
    pub booking: Option<BookingId>,
    /// Jobs with a higher one go first.
    pub priority: u8,
    /// It does not run before.
    pub not_before: Timestamp,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// How far it has come.
    pub state: JobState,
}

/// What a job does. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobCommand {
    /// Takes places, when its turn comes.
    Reserve(Reserve),
    /// Confirms a hold, when its turn comes.
    Confirm(Confirm),
}

/// How far a job has come. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// Its moment has not come.
    Delayed,
    /// It waits for its turn.
    Waiting {
        /// Of which resource.
        resource: ResourceId,
        /// Its number among those of its priority.
        sequence: u64,
    },
    /// It ran.
    Done {
        /// When.
        at: Timestamp,
        /// What it came to.
        outcome: Box<Outcome>,
        /// When that is forgotten.
        forgotten_at: Timestamp,
    },
}

impl Job {
    /// The word for how far it has come.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match &self.state {
            JobState::Delayed | JobState::Waiting { .. } => "waiting",
            JobState::Done { outcome, .. } if matches!(**outcome, Outcome::Contradicted(_)) => "failed",
            JobState::Done { .. } => "completed",
        }
    }

    /// Whether somebody may know of it.
    #[must_use]
    pub fn is_visible_to(&self, user: UserId, role: Role) -> bool {
        let made_by = match self.principal {
            Principal::User { user, .. } | Principal::App { user, .. } => Some(user),
            Principal::Anonymous | Principal::Internal => None,
        };
        self.user == user || made_by == Some(user) || role.checks_in()
    }
}

/// How long a job has probably still to wait at a moment: `None` if nobody is admitted.
pub fn estimated_wait(rows: &dyn ReadRows, job: &Job, now: Timestamp) -> Option<Millis> {
    match &job.state {
        JobState::Done { .. } => Some(Millis(0)),
        JobState::Delayed => Some(job.not_before.since(now)),
        JobState::Waiting { resource, .. } => {
            let before = position(rows, job)?;
            queue::wait_of(rows, *resource, before, now)
        }
    }
}

/// The booking a job was to make, which is there from the start if it was promised.
fn promised(context: &Context<'_>, job: &Job) -> Option<(BookingId, std::sync::Arc<Booking>)> {
    let id = job.booking?;
    Some((id, context.row::<Booking>(id)?))
}

/// Runs what a job does, apart from the rest: what it refuses leaves nothing behind.
fn attempt(
    context: &mut Context<'_>,
    principal: Principal,
    does: impl FnOnce(&mut Context<'_>) -> Result<Outcome, Halt>,
) -> Outcome {
    match context.attempt(principal, does) {
        Ok(outcome) => outcome,
        Err(Halt::Rejected(rejection)) => Outcome::Rejected(rejection),
        Err(Halt::Contradicted(contradiction)) => Outcome::Contradicted(contradiction),
    }
}

/// The next job's id and the moment at which its result is forgotten.
fn forgotten_at(context: &Context<'_>) -> Timestamp {
    context.now.plus(crate::policies::job_result_duration(context))
}

/// The id of a job as others write it.
impl From<JobId> for u64 {
    fn from(id: JobId) -> Self {
        id.0
    }
}
