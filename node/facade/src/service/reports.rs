//! Reports: how full slots were, who came, and what became of holds.

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    Count, PoolCounts, ReadTyped as _, Resource, ResourceId, Slot, SlotId, SlotTally, Timestamp, VenueId,
    Window, list_resources, list_slots,
};

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::problem::{Problem, Result};
use crate::service::{Asked, Service, counts_at};

/// Slots that one report of resources adds up; for more, ask for a shorter time.
const SLOTS_MAX: usize = 50_000;

/// Reports of resources that are added up at once, by all nodes of this process: each takes a thread and a core. The
/// next ones wait.
const REPORTS_MAX: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(REPORTS_MAX);

/// Slots read together.
const PAGE: usize = 1_000;

/// Which slots a report is about: those that start in this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// A slot, and what became of it.
pub(crate) struct SlotReport {
    pub(crate) id: SlotId,
    pub(crate) resource: ResourceId,
    pub(crate) window: Window,
    pub(crate) figures: Figures,
}

/// A resource, and what became of its slots.
pub(crate) struct ResourceReport {
    pub(crate) id: ResourceId,
    pub(crate) resource: Resource,
    pub(crate) slots: u64,
    pub(crate) figures: Figures,
}

/// Places, parties and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) capacity: u64,
    /// Places taken for good: those of parties that came, that are expected, and that did not come and were not released.
    pub(crate) booked: u64,
    pub(crate) held: u64,
    pub(crate) tally: SlotTally,
}

impl Figures {
    fn of(view: &View<'_>, id: SlotId, slot: &Slot) -> Self {
        let now = view.now();
        let tally = view.row::<SlotTally>(id).map(|tally| *tally).unwrap_or_default();
        let mut figures = Self { tally, ..Self::default() };
        let counts = slot.pools.iter().filter_map(|pool| counts_at(view, pool.id, now));
        for PoolCounts { capacity, held, confirmed, .. } in counts {
            figures.capacity += u64::from(capacity);
            figures.booked += u64::from(confirmed);
            figures.held += u64::from(held);
        }
        figures
    }

    fn plus(self, other: Self) -> Self {
        Self {
            capacity: self.capacity + other.capacity,
            booked: self.booked + other.booked,
            held: self.held + other.held,
            tally: self.tally.plus(other.tally),
        }
    }

    /// Which share of the places is taken for good.
    pub(crate) fn utilisation(&self) -> Option<f64> {
        share(self.booked, self.capacity)
    }

    /// Which share of the places of parties whose time has come was not used.
    pub(crate) fn no_show_rate(&self) -> Option<f64> {
        let Count { places: missing, .. } = self.tally.no_shows;
        share(missing, missing + self.tally.used.places)
    }

    /// Which share of the holds that have ended was confirmed.
    pub(crate) fn hold_conversion(&self) -> Option<f64> {
        let SlotTally { confirmed, lapsed, given_back, .. } = self.tally;
        share(confirmed.bookings, confirmed.bookings + lapsed.bookings + given_back.bookings)
    }
}

/// To four digits; nothing of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0)
}

impl Service {
    /// The slots of a resource that start in a span, in order of their start, behind one.
    pub(crate) async fn slot_reports(
        &self,
        asked: Asked,
        resource: ResourceId,
        span: Span,
        after: Option<SlotId>,
        limit: usize,
    ) -> Result<Read<Vec<SlotReport>>> {
        let missing = || Problem::not_found("resource_not_found", resource);
        let with = |view: &View<'_>, _| {
            view.row::<Resource>(resource).ok_or_else(missing)?;
            let slots = list_slots(view, resource, span.from, after, limit).into_iter();
            let slots = slots.take_while(|(_, slot)| slot.window.starts_at() < span.to);
            let report = |(id, slot): (SlotId, Slot)| SlotReport {
                id,
                resource,
                window: slot.window,
                figures: Figures::of(view, id, &slot),
            };
            Ok(slots.map(report).collect())
        };
        self.read_as(asked, with).await
    }

    /// Resources, newest first, each with all its slots that start in a span.
    pub(crate) async fn resource_reports(
        &self,
        asked: Asked,
        venue: Option<VenueId>,
        span: Span,
        before: ResourceId,
        limit: usize,
    ) -> Result<Read<Vec<ResourceReport>>> {
        // Whoever must not have it gets no turn; and what is read later is as current as what is confirmed here.
        let Read { age, .. } = self.read_as(asked, |_, _| Ok(())).await?;
        let replica = self.replica().clone();
        let add_up_all = move || {
            let all = |view: &View<'_>| {
                asked.caller.seen_in(view)?;
                let resources = list_resources(view, venue, before, limit).into_iter();
                let mut left = SLOTS_MAX;
                let reports = resources.map(|(id, resource)| add_up(view, id, resource, span, &mut left));
                reports.collect::<Result<Vec<_>>>()
            };
            let (value, index) = replica.look(all)?;
            Ok(Read { value: value?, index, age })
        };
        in_turn(asked.deadline, add_up_all).await
    }
}

/// Does long work, where it keeps nobody else waiting.
async fn in_turn<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if cfg!(feature = "simulation") {
        // One thread is all there is.
        return work();
    }
    let overloaded = || Problem::overloaded("too many reports are being added up");
    let turn = timeout_at(deadline, TURNS.acquire()).await.map_err(|_| overloaded())?;
    let turn = turn.map_err(|_| overloaded())?;
    let work = move || {
        // Kept until the work has ended, whether or not its caller is still there.
        let _turn = turn;
        work()
    };
    match timeout_at(deadline, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(Problem::overloaded("this node is stopping")),
        Err(_) => Err(Problem::overloaded("the report takes too long; ask for a shorter time")),
    }
}

fn add_up(
    view: &View<'_>,
    id: ResourceId,
    resource: Resource,
    span: Span,
    left: &mut usize,
) -> Result<ResourceReport> {
    let mut report = ResourceReport { id, resource, slots: 0, figures: Figures::default() };
    let mut after = None;
    loop {
        let page = list_slots(view, id, span.from, after, PAGE);
        let Some((last, _)) = page.last() else { return Ok(report) };
        after = Some(*last);
        for (slot_id, slot) in &page {
            if slot.window.starts_at() >= span.to {
                return Ok(report);
            }
            *left = left.checked_sub(1).ok_or_else(too_many)?;
            report.slots += 1;
            report.figures = report.figures.plus(Figures::of(view, *slot_id, slot));
        }
    }
}

fn too_many() -> Problem {
    Problem::new(
        422,
        "report_too_large",
        format!(
            "one report adds up {SLOTS_MAX} slots at most; ask for a shorter time, or for fewer resources"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_long_report_keeps_nobody_else_waiting() {
        let deadline = Instant::now() + Duration::from_secs(30);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let report = tokio::spawn(in_turn(deadline, move || {
            released
                .recv_timeout(Duration::from_secs(20))
                .map_err(|_| Problem::overloaded("nobody lets it go on"))
        }));
        // There is one thread for all tasks: this one would not get to run.
        tokio::task::yield_now().await;
        release.send(()).unwrap();
        report.await.unwrap().unwrap();
    }
}
