//! What a sink does instead of taking what comes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What to do with one call that is otherwise in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// As the real one would.
    Take,
    /// Refuse it so; for SMTP the answer to a recipient.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// Answer so, and never end the body.
    StallWithin { status: u16 },
    /// Read it, and never answer.
    Stall,
    /// Take it, and close the connection without an answer.
    Lose,
}

/// The plans for the calls to come; those beyond them are taken. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Plans(Arc<Mutex<Planned>>);

#[derive(Debug, Default)]
struct Planned {
    next: VecDeque<Plan>,
    /// For all calls behind those.
    always: Option<Plan>,
}

impl Plan {
    /// Refuse it with a status and nothing else.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: String::new() }
    }

    /// Refuse it with a status and a body.
    #[must_use]
    pub fn body(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_owned() }
    }

    /// Refuse it with a status and a header.
    #[must_use]
    pub fn header(status: u16, name: &'static str, value: &str) -> Self {
        Self::Answer { status, headers: vec![(name, value.to_owned())], body: String::new() }
    }

    /// Whether a call that is met so has done its work, whatever its sender learns of it.
    pub(super) fn is_taken(&self) -> bool {
        match self {
            Self::Take | Self::Lose => true,
            Self::Answer { status, .. } | Self::StallWithin { status } => (200..300).contains(status),
            Self::Stall => false,
        }
    }
}

impl Plans {
    /// What to do with the next calls.
    pub fn then(&self, plans: impl IntoIterator<Item = Plan>) {
        self.planned().next.extend(plans);
    }

    /// What to do with all calls behind those.
    pub fn always(&self, plan: Plan) {
        self.planned().always = Some(plan);
    }

    /// Takes what comes from now on.
    pub fn no_more(&self) {
        *self.planned() = Planned::default();
    }

    pub(super) fn next(&self) -> Plan {
        let mut planned = self.planned();
        let next = planned.next.pop_front();
        next.or_else(|| planned.always.clone()).unwrap_or(Plan::Take)
    }

    fn planned(&self) -> MutexGuard<'_, Planned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
