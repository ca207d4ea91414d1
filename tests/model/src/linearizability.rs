//! Linearizability, slot by slot: some order of the calls that fits when each was asked and answered explains every
//! answer, and what is there at the end. It trusts no index and no revision.
//!
//! ```text
//! History -> operations of slots that bookings move between -> Search over a small sequential model -> Verdict
//! ```
//!
//! The search is Wing and Gong's with Lowe's memory of what was tried. It counts its steps: what takes too many is
//! `Unknown`, which is no pass.

mod model;
mod operations;
mod search;

use crate::history::History;
use crate::violation::Violation;

use operations::Component;
use search::{Found, search};

/// Steps of one search; a history of a thousand calls in one slot takes some thousand.
const STEPS_MAX: usize = 2_000_000;

/// Bytes of what a search remembers to have tried.
const BYTES_MAX: usize = 256 << 20;

/// What can be said of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is such an order.
    Passed,
    /// There is none.
    Failed(Vec<Violation>),
    /// Nobody knows, for the named reasons. No pass.
    Unknown(Vec<String>),
}

/// How much a check may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Steps of one search.
    pub steps_max: usize,
    /// Bytes of what one search remembers.
    pub bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { steps_max: STEPS_MAX, bytes_max: BYTES_MAX }
    }
}

/// Looks for an order that explains a history.
#[must_use]
pub fn check(history: &History, bounds: Bounds) -> Verdict {
    let (mut violations, mut unknown) = (Vec::new(), Vec::new());
    for component in Component::all(history) {
        if let Some(slot) = component.unread() {
            unknown.push(format!("{slot} was not read at the end"));
            continue;
        }
        match search(&component, bounds) {
            Found::Order => (),
            Found::None { stuck } => violations.push(component.violation(&stuck)),
            Found::GivenUp(why) => unknown.push(format!("{}: {why}", component.name())),
        }
    }
    match (violations.is_empty(), unknown.is_empty()) {
        (false, _) => Verdict::Failed(violations),
        (true, false) => Verdict::Unknown(unknown),
        (true, true) => Verdict::Passed,
    }
}

#[cfg(test)]
mod tests;
