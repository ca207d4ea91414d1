//! What seed S2 reads: seats and who has them, the offer of an event, and jobs. Where callers are believed, anybody may.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    Booking, Dialect, HoldTerms, Job, JobCommand, JobId, JobState, Outcome, Places, PoolId, PoolKind,
    ReadRows, ReadTyped as _, Reserve, Resource, ResourceId, SeatName, Slot, SlotName, SlotStatus, Timestamp,
    User, UserId, is_new_request, list_slots, user_alias,
};
use tokio::time::{Duration, Instant};

use crate::problem::{Problem, Result};
use crate::service::{Asked, CallContext, Caller, JobView, Named, SeatView, SeatsOf, Service, wait_end};

/// Slots of one event looked at for one that has seats.
const SLOTS_LOOKED_AT_MAX: usize = 1000;

/// Who reads, how current, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reader {
    /// Whoever showed a token.
    Somebody(Asked),
    /// Whoever.
    Anybody { consistency: Consistency, deadline: Instant },
}

/// A seat, and what the one who has it goes by.
pub(crate) struct SeatWithHolder {
    pub(crate) seat: SeatView,
    pub(crate) holder: Option<String>,
}

/// An event, and the pools of its next slot that has seats; none if there is no such slot.
pub(crate) struct SeatsOfEvent {
    pub(crate) id: ResourceId,
    pub(crate) event: Arc<Resource>,
    pub(crate) pools: Vec<SeatsOf>,
}

/// A job about one seat.
pub(crate) struct SeatJob {
    pub(crate) view: JobView,
    pub(crate) pool: PoolId,
    pub(crate) number: u32,
    /// What the one it is for goes by.
    pub(crate) user: String,
    /// Of which event the seat is, where that is known.
    pub(crate) event: Option<ResourceId>,
}

/// What is known of a seat, and of the call that is about it, at one moment.
pub(crate) struct Standing {
    /// The call was not answered before.
    pub(crate) is_new: bool,
    pub(crate) seat: Option<SeatView>,
}

impl Service {
    /// Reads for whoever reads.
    async fn read_for<T>(
        &self,
        reader: Reader,
        with: impl FnOnce(&View<'_>) -> Result<T>,
    ) -> Result<Read<T>> {
        match reader {
            Reader::Somebody(asked) => self.read_as(asked, |view, _| with(view)).await,
            Reader::Anybody { consistency, deadline } => self.read_public(consistency, deadline, with).await,
        }
    }

    /// What an event offers.
    pub(crate) async fn seats_of_event(&self, reader: Reader, id: ResourceId) -> Result<Read<SeatsOfEvent>> {
        let with = |view: &View<'_>| {
            let event = view.row::<Resource>(id).filter(|event| event.is_event() && event.is_offered());
            let event =
                event.ok_or_else(|| Problem::not_found("event_not_found", format!("event {}", id.0)))?;
            let pools = first_with_seats(view, id, view.now()).unwrap_or_default();
            let pools = pools.into_iter().filter_map(|pool| SeatsOf::read(view, pool)).collect();
            Ok(SeatsOfEvent { id, event, pools })
        };
        self.read_for(reader, with).await
    }

    /// A seat of a pool, by its number.
    pub(crate) async fn seat_with_holder(
        &self,
        reader: Reader,
        pool: PoolId,
        number: u32,
    ) -> Result<Read<Option<SeatWithHolder>>> {
        let with = |view: &View<'_>| {
            Ok(SeatView::read(view, pool, number).map(|seat| {
                let holder = seat.booking.as_ref().map(|(_, booking)| known_as(view, booking.user));
                SeatWithHolder { seat, holder }
            }))
        };
        self.read_for(reader, with).await
    }

    /// A seat that a call is about, and whether the call was answered before.
    pub(crate) async fn standing(
        &self,
        who: &Named,
        (pool, number): (PoolId, u32),
        call: &CallContext,
    ) -> Result<Standing> {
        let Some(caller) = who.known() else {
            // Nobody who is new was answered before.
            let with =
                |view: &View<'_>| Ok(Standing { is_new: true, seat: SeatView::read(view, pool, number) });
            return Ok(self.read_public(Consistency::Linearizable, call.deadline, with).await?.value);
        };
        let asked = Asked { caller, consistency: Consistency::Linearizable, deadline: call.deadline };
        let with = |view: &View<'_>, caller: Caller| {
            let is_new = is_new_request(view, caller.principal(), call.id);
            Ok(Standing { is_new, seat: SeatView::read(view, pool, number) })
        };
        Ok(self.read_as(asked, with).await?.value)
    }

    /// A job about a seat once it is done, or as it is at a moment.
    pub(crate) async fn await_seat_job(
        &self,
        reader: Reader,
        id: JobId,
        wait: Duration,
    ) -> Result<Read<SeatJob>> {
        let (begun_at, until) = (Instant::now(), wait_end(wait, reader.deadline()));
        let read = self.seat_job(reader, id).await?;
        if read.value.view.is_done() || until <= begun_at {
            return Ok(read);
        }
        self.job_ends(id, until).await;
        match self.seat_job(reader, id).await {
            // What was read before still answers this call, which nothing newer does in time.
            Err(problem) if problem.status == 503 => Ok(read),
            newer => newer,
        }
    }

    /// A job about a seat. Where callers are believed, whoever knows its id may see it.
    async fn seat_job(&self, reader: Reader, id: JobId) -> Result<Read<SeatJob>> {
        let is_open = self.trusts_declared_identity();
        let missing = || Problem::not_found("job_not_found", format!("job {}", id.0));
        match reader {
            Reader::Somebody(asked) if !is_open => {
                let with = |view: &View<'_>, caller: Caller| {
                    let is_visible = |job: &Job| job.is_visible_to(caller.user, caller.role);
                    seat_job_in(view, id, is_visible).ok_or_else(missing)
                };
                self.read_as(asked, with).await
            }
            Reader::Somebody(_) | Reader::Anybody { .. } => {
                self.read_for(reader, |view| seat_job_in(view, id, |_| true).ok_or_else(missing)).await
            }
        }
    }
}

impl Reader {
    fn deadline(&self) -> Instant {
        match self {
            Self::Somebody(asked) => asked.deadline,
            Self::Anybody { deadline, .. } => *deadline,
        }
    }
}

/// What clients call a user: as he declares himself, or by his id.
fn known_as(rows: &impl ReadRows, user: UserId) -> String {
    let declared = rows.row::<User>(user).and_then(|row| user_alias(&row.email).map(str::to_owned));
    declared.unwrap_or_else(|| user.0.to_string())
}

/// The pools with seats of an event's first slot that has any and can be booked.
fn first_with_seats(rows: &impl ReadRows, event: ResourceId, now: Timestamp) -> Option<Vec<PoolId>> {
    let slots = list_slots(rows, event, Timestamp::default(), None, SLOTS_LOOKED_AT_MAX).into_iter();
    let bookable = slots.filter(|(_, slot)| slot.status != SlotStatus::Withdrawn && slot.is_bookable_at(now));
    bookable.map(|(_, slot)| pools_with_seats(&slot)).find(|pools| !pools.is_empty())
}

fn pools_with_seats(slot: &Slot) -> Vec<PoolId> {
    let with_seats = slot.pools.iter().filter(|pool| matches!(pool.kind, PoolKind::Seats { .. }));
    with_seats.map(|pool| pool.id).collect()
}

fn seat_job_in(view: &View<'_>, id: JobId, is_visible: impl FnOnce(&Job) -> bool) -> Option<SeatJob> {
    let now = view.now();
    let job = view.row::<Job>(id).filter(|job| is_visible(job) && is_remembered(job, now))?;
    let (pool, number) = seat_of_job(view, &job)?;
    let event = match &job.state {
        JobState::Done { outcome, .. } => event_of(view, outcome),
        JobState::Delayed | JobState::Waiting { .. } => None,
    };
    let user = known_as(view, job.user);
    Some(SeatJob { view: JobView::of(view, id, (*job).clone()), pool, number, user, event })
}

/// Whether what became of a job is still told: no longer than it is kept, whether or not a tick has removed it.
fn is_remembered(job: &Job, now: Timestamp) -> bool {
    match job.state {
        JobState::Done { forgotten_at, .. } => now < forgotten_at,
        JobState::Delayed | JobState::Waiting { .. } => true,
    }
}

/// Which seat a job is about, if it is one of this seed's.
fn seat_of_job(rows: &impl ReadRows, job: &Job) -> Option<(PoolId, u32)> {
    match &job.command {
        JobCommand::Reserve(Reserve {
            slot: SlotName::OfPool(pool),
            places: Places::Seats(names),
            hold: Some(HoldTerms { dialect: Dialect::S2, .. }),
            ..
        }) => match names.as_slice() {
            [SeatName::Number(number)] => Some((*pool, *number)),
            _ => None,
        },
        JobCommand::Reserve(_) => None,
        JobCommand::Confirm(confirm) => {
            let booking = rows.row::<Booking>(confirm.booking)?;
            Some((booking.pool, booking.seats.first()?.number))
        }
    }
}

fn event_of(rows: &impl ReadRows, outcome: &Outcome) -> Option<ResourceId> {
    let Outcome::Booking(_, booking) = outcome else { return None };
    Some(rows.row::<Slot>(booking.slot)?.resource)
}
