//! What clients asked and were told: the history, what was acknowledged, and the trace.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_model::{Act, Call, Glance, Pass, Ruling, Showing, Told};
use holdfast_reservations::{RequestKey, Revision};

use crate::complaints::{complaint_of_answer, complaint_of_call};
use crate::invariants::Violation;
use crate::observation::Acknowledged;
use crate::time::WorldTime;
use crate::trace::Trace;

/// Records the calls of all clients. Clones record together.
#[derive(Clone)]
pub struct Recorder {
    time: WorldTime,
    inner: Arc<Mutex<Inner>>,
}

/// What was recorded.
#[derive(Default)]
struct Inner {
    calls: Vec<Call>,
    glances: Vec<Glance>,
    rulings: Vec<Ruling>,
    showings: Vec<Showing>,
    passes: Vec<Pass>,
    acknowledged: Vec<Acknowledged>,
    counts: Counts,
    complaints: Vec<String>,
    /// Two things never happen at the same moment.
    last_nanos: u64,
}

/// How often clients did what, and what they were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts, by operation.
    pub attempts: BTreeMap<&'static str, u64>,
    /// Answers, by what they said.
    pub answers: BTreeMap<String, u64>,
    /// What judges have to judge when all is over, by what it is.
    pub judged: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn judge(&mut self, what: &'static str) {
        *self.judged.entry(what).or_default() += 1;
    }

    /// How many calls the cluster has decided: done, or refused by the rules. What one node can refuse alone is left out.
    #[must_use]
    pub fn decided(&self) -> u64 {
        let is_decided = |answer: &str| answer == "done" || answer.starts_with("409 ");
        self.answers.iter().filter(|(answer, _)| is_decided(answer)).map(|(_, count)| *count).sum()
    }
}

impl Recorder {
    /// Nothing yet.
    #[must_use]
    pub fn new(time: WorldTime) -> Self {
        Self { time, inner: Arc::default() }
    }

    /// Nanoseconds since the start. Later calls get larger ones.
    #[must_use]
    pub fn now(&self) -> u64 {
        let mut inner = self.lock();
        inner.last_nanos = (inner.last_nanos + 1).max(self.time.now_ms() * 1_000_000);
        inner.last_nanos
    }

    /// Records a call.
    pub fn record(&self, call: Call) {
        let complaint = complaint_of_call(&call);
        let mut inner = self.lock();
        inner.complaints.extend(complaint);
        inner.counts.judge("calls of the history");
        inner.calls.push(call);
    }

    /// Records what a node showed to somebody who would take what is old.
    pub fn glance(&self, glance: Glance) {
        let mut inner = self.lock();
        inner.counts.judge("stale reads");
        inner.glances.push(glance);
    }

    /// Records a decision about who may act.
    pub fn rule(&self, ruling: Ruling) {
        let mut inner = self.lock();
        inner.counts.judge("decisions about who may act");
        inner.rulings.push(ruling);
    }

    /// Records that somebody asked to be let in.
    pub fn show(&self, showing: Showing) {
        let mut inner = self.lock();
        inner.counts.judge("attempts to be let in");
        inner.showings.push(showing);
    }

    /// Records what somebody was told at the entrance.
    pub fn pass(&self, pass: Pass) {
        let mut inner = self.lock();
        inner.counts.judge(match (&pass.act, &pass.told) {
            (Act::Scans(_), Told::Admitted(_)) => "parties admitted",
            (Act::Scans(_), _) => "scans not admitted",
            (Act::Undoes, Told::Undone) => "scans taken back",
            (Act::Undoes, _) => "scans not taken back",
            (Act::Fetches | Act::Renews, _) => "codes fetched",
        });
        inner.passes.push(pass);
    }

    /// All that was told at the entrance, which is forgotten.
    #[must_use]
    pub fn take_passes(&self) -> Vec<Pass> {
        std::mem::take(&mut self.lock().passes)
    }

    /// Notes what is wrong with an answer, if anything is.
    pub fn complain(&self, complaint: Option<String>) {
        self.lock().complaints.extend(complaint);
    }

    /// All decisions about who may act, and all that was shown; both are forgotten.
    #[must_use]
    pub fn take_standing(&self) -> (Vec<Ruling>, Vec<Showing>) {
        let mut inner = self.lock();
        (std::mem::take(&mut inner.rulings), std::mem::take(&mut inner.showings))
    }

    /// Counts an attempt and its answer, and traces both.
    pub fn count(&self, trace: &Trace, operation: &'static str, answer: &str) {
        trace.note(|| format!("{} {operation} {answer}", self.time.now_ms()));
        let mut inner = self.lock();
        inner.complaints.extend(complaint_of_answer(operation, answer));
        *inner.counts.attempts.entry(operation).or_default() += 1;
        *inner.counts.answers.entry(answer.to_owned()).or_default() += 1;
    }

    /// A client was told of a change.
    pub fn acknowledge(&self, revision: Revision, key: Option<RequestKey>) {
        let mut inner = self.lock();
        inner.counts.judge("acknowledged changes");
        inner.acknowledged.push(Acknowledged { revision, key });
    }

    /// The changes that clients were told of since the last time.
    #[must_use]
    pub fn take_acknowledged(&self) -> Vec<Acknowledged> {
        std::mem::take(&mut self.lock().acknowledged)
    }

    /// Whether clients were told only what they may be.
    ///
    /// # Errors
    ///
    /// The first thing that nobody may ever be told.
    pub fn check(&self) -> Result<(), Violation> {
        let at = Duration::from_millis(self.time.now_ms());
        let complaint = self.lock().complaints.first().cloned();
        complaint.map_or(Ok(()), |says| Err(Violation { invariant: "answers", at, says }))
    }

    /// All calls, which are forgotten.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    /// All that was shown to those who would take what is old; it is forgotten.
    #[must_use]
    pub fn take_glances(&self) -> Vec<Glance> {
        std::mem::take(&mut self.lock().glances)
    }

    /// How often clients did what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
