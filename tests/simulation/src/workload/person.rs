//! Somebody who is signed in, and what he knows.

use holdfast_model::{BookingId, SlotId, UserId};

use serde_json::Value;

use super::By;
use super::accounts::Accounts;
use super::scan::MadeScan;
use crate::chance::Chance;
use crate::recorder::Recorder;

/// Old tokens that somebody keeps.
const OLD_TOKENS_MAX: usize = 6;

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    /// When both were given to him.
    pub(crate) given_at: u64,
    /// Access tokens that he had before; they may count still.
    pub(crate) old_tokens: Vec<By>,
    /// A refresh token that was traded, and the newest of its session.
    pub(crate) used_refresh_token: Option<(By, String)>,
    /// This may be his password instead.
    pub(crate) maybe_password: Option<String>,
    /// What all know together.
    pub(crate) accounts: Accounts,
    /// Knows what time it is.
    pub(crate) recorder: Recorder,
    pub(crate) is_staff: bool,
    /// Bookings he knows, each in its slot.
    pub(crate) bookings: Vec<(BookingId, SlotId)>,
    /// Scans he has made.
    pub(super) scans: Vec<MadeScan>,
    /// His devices.
    pub(super) devices: Vec<u64>,
    /// Webhooks he has made.
    pub(super) webhooks: Vec<u64>,
}

impl Person {
    /// Takes a new pair of tokens.
    pub(super) fn take_tokens(&mut self, json: &Value) {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let (Some(token), Some(refresh_token)) = (text("accessToken"), text("refreshToken")) else { return };
        if !self.token.is_empty() {
            self.old_tokens.push(By::new(self, &self.token, self.given_at));
            // Those of long ago have expired.
            let surplus = self.old_tokens.len().saturating_sub(OLD_TOKENS_MAX);
            self.old_tokens.drain(..surplus);
        }
        (self.token, self.refresh_token) = (token, refresh_token);
        self.given_at = self.recorder.now();
    }

    /// One of the bookings he knows.
    pub(super) fn any_booking(&self, chance: &mut Chance) -> Option<(BookingId, SlotId)> {
        self.any_booking_where(chance, |_| true)
    }

    /// One of those in such slots; mostly one of the last.
    pub(super) fn any_booking_where(
        &self,
        chance: &mut Chance,
        is_such: impl Fn(SlotId) -> bool,
    ) -> Option<(BookingId, SlotId)> {
        let such: Vec<_> = self.bookings.iter().rev().filter(|(_, slot)| is_such(*slot)).take(8).collect();
        (!such.is_empty()).then(|| **chance.pick(&such))
    }
}
