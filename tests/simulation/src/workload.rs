//! The one generator of what clients do: an operation is a file and a line here, and takes part in every simulation.

mod answers;
mod book;
mod cancel;
mod check_in;
mod get;
mod guest;
mod guests;
mod keys;
mod list;
mod load;
mod look;
mod modify;
mod open_slots;
mod park;
mod person;
mod sign_in;

use holdfast_model::Request;
use serde_json::Value;

use crate::chance::Chance;
use crate::client::Reply;

pub use guests::Guests;
pub(crate) use keys::request_key;
pub use load::Load;
pub use park::Park;
pub(crate) use person::Person;

/// What clients do, and how often each in proportion to the others.
pub(crate) const OPERATIONS: &[(u64, &dyn Operation)] = &[
    (30, &book::Book),
    (12, &cancel::Cancel),
    (8, &modify::Modify),
    (4, &check_in::CheckIn),
    (12, &get::Get),
    (14, &look::Look),
    (6, &list::List),
    (2, &open_slots::OpenSlots),
    (3, &sign_in::LogIn),
    (3, &sign_in::Refresh),
];

/// Something that clients do.
pub(crate) trait Operation: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// What somebody asks for; `None` if there is nothing to ask.
    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish>;

    /// Whether success means that something has changed, under the key of this very request.
    fn always_changes(&self) -> bool {
        true
    }

    /// What he learns from an answer of success.
    fn learn(&self, _who: &mut Person, _park: &Park, _wish: &Wish, _reply: &Reply) {}
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) kind: Kind,
    /// How the history writes it, if it does.
    pub(crate) request: Option<Request>,
}

/// What kind of call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It changes something, under a key.
    Change,
    /// It reads, and must see all that was answered before.
    Read,
    /// It reads what may be old.
    ReadStale,
    /// It gives a token: without one, and under a key.
    SignIn,
}

/// Draws an operation.
pub(crate) fn draw(chance: &mut Chance) -> &'static dyn Operation {
    let all: u64 = OPERATIONS.iter().map(|(weight, _)| weight).sum();
    let mut drawn = chance.between(0..=all - 1);
    for (weight, operation) in OPERATIONS {
        if drawn < *weight {
            return *operation;
        }
        drawn -= weight;
    }
    OPERATIONS[0].1
}

/// Reads are stale now and then: the path's query says so.
pub(crate) fn maybe_stale(path: String, chance: &mut Chance) -> (String, Kind) {
    let joint = if path.contains('?') { '&' } else { '?' };
    match chance.percent(20) {
        true => (format!("{path}{joint}consistency=stale"), Kind::ReadStale),
        false => (path, Kind::Read),
    }
}
