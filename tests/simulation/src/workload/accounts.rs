//! What is known of who there is: whom an operator may ban, and which apps there are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_model::{BookingId, UserId};

use crate::chance::Chance;

/// What all clients know together. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts(Arc<Mutex<Known>>);

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Guests who have things to do all the time.
    pub(super) people: Vec<UserId>,
    /// Users who may be banned now.
    pub(super) banned: Vec<UserId>,
    pub(super) apps: Vec<App>,
    /// Codes that were shown at the gate; the newest last.
    pub(super) codes: Vec<ShownCode>,
}

/// An app, and what it shows.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) user: UserId,
    /// Secrets by their numbers, each as it is shown; also those that may count no more.
    pub(super) secrets: Vec<(u64, String)>,
}

/// A code as it is shown at the gate.
#[derive(Clone, Debug)]
pub(super) struct ShownCode {
    pub(super) booking: BookingId,
    pub(super) token: String,
    /// How it is named where it is judged.
    pub(super) name: u128,
}

/// Codes that may be shown still.
const CODES_MAX: usize = 24;

impl Accounts {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn show_code(&self, code: ShownCode) {
        let mut known = self.known();
        known.codes.push(code);
        let surplus = known.codes.len().saturating_sub(CODES_MAX);
        known.codes.drain(..surplus);
    }

    /// Mostly one of those that were shown last.
    pub(super) fn some_code(&self, chance: &mut Chance) -> Option<ShownCode> {
        let known = self.known();
        let some: Vec<&ShownCode> = match chance.percent(70) {
            true => known.codes.iter().rev().take(4).collect(),
            false => known.codes.iter().collect(),
        };
        (!some.is_empty()).then(|| (*chance.pick(&some)).clone())
    }

    pub(super) fn some_app(&self, chance: &mut Chance) -> Option<App> {
        let known = self.known();
        (!known.apps.is_empty()).then(|| chance.pick(&known.apps).clone())
    }
}

/// How what somebody shows is named where it is judged.
pub(super) fn name_of(shown: &str) -> u128 {
    xxhash_rust::xxh3::xxh3_128(shown.as_bytes())
}
