//! The due index: what must happen because time passes, by moment; and the tick that works it off in bounded batches.

use serde::{Deserialize, Serialize};

use crate::codes;
use crate::context::Context;
use crate::day;
use crate::holds::expire;
use crate::ids::{BookingId, JobId, ResourceId, SlotId, WebhookId};
use crate::jobs::run;
use crate::outbox::{clear, dead_letters};
use crate::outcome::{Halt, Outcome};
use crate::principal::Principal;
use crate::rows::{Key, Order, ReadRows};
use crate::slots;
use crate::time::Timestamp;

/// Due rows one tick works off: a few milliseconds of apply, so that a backlog never stalls bookings. What is left
/// is due still, and the scheduler proposes the next tick at once.
pub const TICK_ROWS_MAX: usize = 256;

/// What is due. The order is a stored format: new kinds go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DueKind {
    /// A slot's start.
    SlotStarts,
    /// A slot's end.
    SlotEnds,
    /// A hold's deadline.
    HoldExpires,
    /// The next job of a resource may be admitted.
    JobsAdmitted,
    /// The moment of a job that was not to run before.
    JobDue,
    /// The result of a job is not kept any longer.
    JobForgotten,
    /// A slot is about to start.
    SlotReady,
    /// A slot's parties that have not come are released.
    NoShows,
    /// A booking was confirmed in a slot that is about to start.
    BookingReady,
    /// The party of a booking that was confirmed late has not come.
    BookingMissed,
    /// When slots are ready and released is to be worked out again, from the slot of this id on.
    DaysPlanned,
    /// What waits for a webhook that was disabled or removed is cleared away.
    OutboxCleared,
    /// A dead letter is not kept any longer.
    DeadLetterForgotten,
    /// The codes that a revoked key of the node of this id has signed are made void.
    NodeKeyRevoked,
}

/// One thing that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: DueKind,
    /// The id of what it happens to.
    pub subject: u64,
}

/// The first thing that is due, now or later.
pub fn next(rows: &(impl ReadRows + ?Sized)) -> Option<Due> {
    scan(rows, Timestamp::MAX, 1).into_iter().next()
}

/// Works off what is due. Internal: proposed by the leader's scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick;

impl Tick {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let due = scan(context, context.now, TICK_ROWS_MAX);
        let (mut contradicted, mut handled, mut work) = (0u32, 0u32, 0usize);
        for due in &due {
            if work >= TICK_ROWS_MAX {
                break;
            }
            handled = handled.saturating_add(1);
            work = work.saturating_add(1);
            let key = Key::Due(due.at, due.kind, due.subject);
            if context.get(&key).is_none() {
                // What happened before it has seen to it, or made it due at another moment.
                continue;
            }
            // It goes first, so that what happens may make it due again.
            context.delete(key);
            // One that contradicts an invariant has changed nothing. It goes, or nothing behind it would ever happen.
            match context.attempt(Principal::Internal, |context| happen(context, *due)) {
                Ok(more) => work = work.saturating_add(more),
                Err(_) => contradicted = contradicted.saturating_add(1),
            }
        }
        Ok(Outcome::Ticked { handled, contradicted })
    }
}

/// Does what is due. The answer is how many rows it has worked off besides.
fn happen(context: &mut Context<'_>, due: Due) -> Result<usize, Halt> {
    match due.kind {
        DueKind::SlotStarts => slots::pass::start(context, SlotId(due.subject))?,
        DueKind::SlotEnds => slots::pass::finish(context, SlotId(due.subject))?,
        DueKind::HoldExpires => expire::expire(context, BookingId(due.subject))?,
        DueKind::JobsAdmitted => run::admit(context, ResourceId(due.subject))?,
        DueKind::JobDue => run::become_due(context, JobId(due.subject))?,
        DueKind::JobForgotten => run::forget(context, JobId(due.subject)),
        DueKind::SlotReady => return day::ready::sweep(context, SlotId(due.subject)),
        DueKind::NoShows => return day::no_shows::sweep(context, SlotId(due.subject)),
        DueKind::BookingReady => day::ready::late(context, BookingId(due.subject))?,
        DueKind::BookingMissed => day::no_shows::late(context, BookingId(due.subject))?,
        DueKind::DaysPlanned => return Ok(day::plan_from(context, SlotId(due.subject))),
        DueKind::OutboxCleared => return Ok(clear::clear(context, WebhookId(due.subject), due.at)),
        DueKind::DeadLetterForgotten => dead_letters::forget(context, due.subject),
        DueKind::NodeKeyRevoked => return codes::sweep(context, due.subject, due.at),
    }
    Ok(0)
}

fn scan(rows: &(impl ReadRows + ?Sized), until: Timestamp, limit: usize) -> Vec<Due> {
    let first = DueKind::SlotStarts;
    let range =
        Key::Due(Timestamp::default(), first, 0)..Key::Due(until.plus(crate::time::Millis(1)), first, 0);
    let found = rows.scan(range, Order::Ascending, limit).into_iter();
    let due = found.filter_map(|(key, _)| {
        let Key::Due(at, kind, subject) = key else { return None };
        Some(Due { at, kind, subject })
    });
    due.collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::Tick;
    use crate::transcript::{Stage, check};
    use crate::{Command, Key, Outcome, Principal, SlotId};

    #[test]
    fn a_tick_starts_and_finishes_what_is_due_and_nothing_else() {
        check(
            "
            at 0   olga opens slot resource=1 from=100 to=200 capacity=2
            at 0   olga opens slot resource=1 from=150 to=200 capacity=2
            at 99  tick
            at 100 tick
            at 100 tick
            at 250 tick
            at 250 look slot:1
            at 250 mia ticks
            ",
            &expect![[r#"
                olga opens slot resource=1 from=100 to=200 capacity=2 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=150 to=200 capacity=2 -> slot:2 [slot.opened]
                tick -> ticked 0
                tick -> ticked 1 [slot.started]
                tick -> ticked 0
                tick -> ticked 3 [slot.started slot.finished slot.finished]
                look slot:1 -> finished 100..200 pool:1 available=2 held=0 confirmed=0
                mia ticks -> forbidden
            "#]],
        );
    }

    #[test]
    fn what_contradicts_itself_does_not_hold_up_the_rest() {
        let mut stage = Stage::new();
        stage.run("at 0 olga opens slot resource=1 from=100 to=200 capacity=2");
        stage.run("at 0 olga opens slot resource=1 from=100 to=200 capacity=2");
        stage.lose(Key::Slot(SlotId(1)));
        let ticked = stage.submit(150, Principal::Internal, None, Command::Tick(Tick));
        assert_eq!(ticked.outcome, Outcome::Ticked { handled: 2, contradicted: 1 });
        let again = stage.submit(150, Principal::Internal, None, Command::Tick(Tick));
        assert_eq!(again.outcome, Outcome::Ticked { handled: 0, contradicted: 0 });
    }

    #[test]
    fn agreed_time_never_goes_back() {
        check(
            "
            at 500 tick
            at 100 tick
            at 100 time
            at 700 tick
            at 0   time
            ",
            &expect![[r#"
                tick -> ticked 0
                tick -> ticked 0
                time -> 500
                tick -> ticked 0
                time -> 700
            "#]],
        );
    }
}
