//! The one generator of what clients do: an operation is a file and a line here, and takes part in every simulation.

mod accounts;
mod answers;
mod apps;
mod book;
mod cancel;
mod check_in;
mod codes;
mod day;
mod get;
mod guest;
mod guests;
mod history;
mod holds;
mod jobs;
mod keys;
mod list;
mod load;
mod look;
mod modify;
mod open_slots;
mod operate;
mod own_account;
mod park;
mod payments;
mod person;
mod policies;
mod recipients;
mod scan;
mod seats;
mod sign_in;
mod webhooks;

use holdfast_model::{Act, BookingId, Request, Right, Rule, UserId};
use serde_json::Value;

use crate::chance::Chance;
use crate::client::Reply;

pub use guests::Guests;
pub(crate) use keys::request_key;
pub use load::Load;
pub use park::Park;
pub(crate) use person::Person;
use scan::MadeScan;

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
    (1, &own_account::SignUp),
    (1, &own_account::LogOut),
    (1, &own_account::SetPassword),
    (1, &own_account::ReuseRefreshToken),
    (2, &own_account::ShowOldToken),
    (2, &operate::Ban),
    (4, &operate::LiftBan),
    (2, &operate::SetRole),
    (2, &apps::CreateApp),
    (1, &apps::AddSecret),
    (1, &apps::RevokeSecret),
    (1, &apps::DeleteApp),
    (6, &apps::BookByApp),
    (14, &holds::Hold),
    (4, &holds::BookSeats),
    (8, &holds::Confirm),
    (4, &holds::Extend),
    (3, &holds::ChangeSeats),
    (3, &payments::StartPayment),
    (3, &payments::ConfirmPaid),
    (8, &jobs::Queue),
    (3, &jobs::ShowJob),
    (3, &seats::LookAtSeats),
    (1, &policies::SetPolicy),
    (14, &day::BookDay),
    (5, &day::BookGroup),
    (10, &codes::FetchCode),
    (2, &codes::RenewCode),
    (20, &scan::Scan),
    (10, &scan::ScanAgain),
    (6, &scan::ScanOtherwise),
    (4, &scan::Undo),
    (3, &history::LookAtHistory),
    (3, &day::DecideNoShows),
    (1, &day::SetDayPolicy),
    (2, &day::ReadReport),
    (1, &day::ListRevokedCodes),
    (4, &recipients::AddDevice),
    (1, &recipients::RemoveDevice),
    (2, &recipients::SetPreferences),
    (3, &webhooks::AddWebhook),
    (3, &webhooks::ChangeWebhook),
    (1, &webhooks::ListDeadLetters),
    (2, &webhooks::ReplayDeadLetters),
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

    /// What is wrong with an answer of success, whatever else there is.
    fn complaint(&self, _reply: &Reply) -> Option<String> {
        None
    }
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
    /// What is shown instead of his newest token.
    pub(crate) by: Option<By>,
    /// Which right he needs.
    pub(crate) right: Right,
    /// Nobody in particular asks.
    pub(crate) is_of_nobody: bool,
    /// What is decided by it about who may act.
    pub(crate) rules: Vec<Rule>,
    /// That is decided when it is refused.
    pub(crate) is_ruled_by_refusal: bool,
    /// The password that is his then.
    pub(crate) password: Option<String>,
    /// Whom it is about, if that matters later.
    pub(crate) about: Option<UserId>,
    /// What it is at the entrance, for which booking.
    pub(crate) at_entrance: Option<(BookingId, Act)>,
    /// The scan, for whoever makes it again.
    pub(crate) scan: Option<MadeScan>,
}

/// What somebody shows, or showed once.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) user: UserId,
    pub(crate) token: String,
    /// When it was given to him.
    pub(crate) given_at: u64,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            method: "GET",
            path: String::new(),
            body: None,
            kind: Kind::Change,
            request: None,
            by: None,
            right: Right::Acts,
            is_of_nobody: false,
            rules: Vec::new(),
            is_ruled_by_refusal: false,
            password: None,
            about: None,
            at_entrance: None,
            scan: None,
        }
    }
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
