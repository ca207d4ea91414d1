//! History checkers: what clients were told, and what was there at the end, must fit together.
//!
//! ```text
//! calls of many clients + what was there at the end -> History -> each checker -> Violations, best none
//! ```
//!
//! A checker knows nothing but the history: no clock, no cluster, no rules of its own beyond the one it is named after.
//! It says only what cannot be otherwise: whatever the order in which overlapping calls took effect, and whether or not
//! the unknown ones did, a violation is one.

mod accounting;
mod capacity;
mod digests;
mod entrance;
mod feed;
mod glances;
mod history;
mod ledger;
mod linearizability;
mod moves;
mod places;
mod reads;
mod refusals;
mod replay;
mod retries;
mod standing;
#[cfg(test)]
mod testing;
mod text;
mod violation;

pub use holdfast_reservations::{BookingId, Revision, SlotId, UserId};

pub use accounting::check as check_accounting;
pub use capacity::check as check_capacity;
pub use digests::{Replica, check as check_digests};
pub use entrance::{Act, Pass, Scan, Told, check as check_entrance};
pub use feed::{Followed, Happened, Interest, check as check_feed, concerning};
pub use glances::{Glance, check as check_glances};
pub use history::{Answer, Booking, Call, Counts, End, History, NodeNumber, Request, Status};
pub use linearizability::{Bounds, Verdict, check as check_linearizability};
pub use reads::check as check_reads;
pub use refusals::check as check_refusals;
pub use replay::{check as check_replay, resolve};
pub use retries::check as check_retries;
pub use standing::{Door, Fate, Right, Rule, Ruling, Showing, check as check_standing};
pub use text::Unreadable;
pub use violation::Violation;

/// Everything that is wrong with a history.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let checkers = [check_accounting, check_capacity, check_retries, check_refusals, check_reads];
    checkers.iter().flat_map(|check| check(history)).collect()
}
