//! The outbox: what is still to be sent to the world, agreed before anything is sent, so that no event is lost when a
//! leader is. What is sent may arrive twice; the event's revision tells.
//!
//! Each channel has a queue of its own with dense numbers, so that one that is down never hides the others. Within a
//! channel the order of numbers is the order of a booking's events.

pub mod clear;
pub mod dead_letters;
pub mod delivery_log;
pub mod post;
pub mod replay;
pub mod settle;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use dead_letters::{DeadLetter, DeadLetters};
pub use delivery_log::{Ended, Logged};
pub(crate) use post::post;
pub use replay::{Replay, ReplayDeadLetters};
pub use settle::{SettleDeliveries, Settled};

use crate::context::Context;
use crate::ids::{BookingId, Revision, SlotId, UserId, WebhookId};
use crate::recipients::{self, Platform, Recipient};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Stored as _};
use crate::time::Timestamp;
use crate::webhooks::Webhook;

/// Deliveries that wait for one channel: what a busy park sends in some hours. Beyond this the oldest becomes a dead
/// letter.
pub const OUTBOX_MAX: u64 = 1_000_000;

/// Bytes of an error that are kept.
pub const DELIVERY_ERROR_MAX: usize = 300;

/// A way out, with a queue of its own. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Apple's devices.
    Apns,
    /// Google's.
    Fcm,
    /// E-mail.
    Email,
    /// One webhook.
    Webhook(WebhookId),
}

/// To whom something is sent. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Target {
    /// A device.
    Device {
        /// Whose.
        user: UserId,
        /// Its number among his.
        device: u32,
    },
    /// The address of a user.
    Address(UserId),
    /// A webhook.
    Webhook(WebhookId),
}

/// An event that is to be sent to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Which event: the receiver knows by it what he has had before.
    pub event: Revision,
    /// Its name, for instance `booking.ready`.
    pub kind: String,
    /// The booking, if it happened to one.
    pub booking: Option<BookingId>,
    /// The slot.
    pub slot: SlotId,
    /// Whose booking it is.
    pub user: Option<UserId>,
    /// To whom.
    pub target: Target,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was put here: when it happened, or when it was replayed. It is given up some time after that.
    pub put_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Not to be tried before.
    pub next_at: Timestamp,
    /// Why it failed last.
    pub last_error: Option<String>,
}

/// How far a channel has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// The last number given.
    pub made: u64,
    /// Deliveries that wait.
    pub waiting: u64,
    /// None that waits has a lower number.
    pub oldest: u64,
    /// The last number given in the delivery log of a webhook.
    pub logged: u64,
}

/// Where something is to be sent now.
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a device.
    Device {
        /// Whose service reaches it.
        platform: Platform,
        /// What that service calls it.
        token: String,
        /// The language to write in.
        language: Option<String>,
    },
    /// To an address.
    Address {
        /// The address.
        email: String,
        /// The language to write in.
        language: Option<String>,
    },
    /// To a webhook.
    Webhook {
        /// The address.
        url: String,
        /// What signs it: each of them.
        secrets: Vec<[u8; 32]>,
    },
}

impl Default for Backlog {
    fn default() -> Self {
        Self { made: 0, waiting: 0, oldest: 1, logged: 0 }
    }
}

/// Leaves tokens, addresses and secrets out.
impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Device { .. } => "Device",
            Self::Address { .. } => "Address",
            Self::Webhook { .. } => "Webhook",
        })
    }
}

/// At most `limit` deliveries that wait for a channel, behind a number (0 for all), in their order. Those that are not
/// to be tried yet are among them.
pub fn next(
    rows: &(impl ReadRows + ?Sized),
    channel: Channel,
    after: u64,
    limit: usize,
) -> Vec<(u64, Arc<Delivery>)> {
    let Some(backlog) = rows.row::<Backlog>(channel).filter(|backlog| backlog.waiting > 0) else {
        return Vec::new();
    };
    let first = backlog.oldest.max(after.saturating_add(1));
    let range = Key::Outbox(channel, first)..Key::Outbox(channel, u64::MAX);
    let found = rows.scan(range, Order::Ascending, limit).into_iter();
    let deliveries = found.filter_map(|(key, row)| {
        let Key::Outbox(_, number) = key else { return None };
        Some((number, Delivery::from_row(row)?))
    });
    deliveries.collect()
}

/// The channels there are, and how far each has come.
pub fn channels(rows: &(impl ReadRows + ?Sized)) -> Vec<(Channel, Backlog)> {
    let all = Key::Backlog(Channel::Apns)..Key::Backlog(Channel::Webhook(WebhookId(u64::MAX)));
    let found = rows.scan(all, Order::Ascending, usize::MAX).into_iter();
    let channels = found.filter_map(|(key, row)| {
        let Key::Backlog(channel) = key else { return None };
        Some((channel, *Backlog::from_row(row)?))
    });
    channels.collect()
}

/// Where a delivery is to go at a moment; `None` if its device is gone, its user has no address, or its webhook is
/// removed or disabled.
pub fn destination(
    rows: &(impl ReadRows + ?Sized),
    delivery: &Delivery,
    now: Timestamp,
) -> Option<Destination> {
    match delivery.target {
        Target::Device { user, device } => {
            let recipient = rows.row::<Recipient>(user)?;
            let device = recipient.device(device)?;
            let language = recipient.language_of(device).map(str::to_owned);
            Some(Destination::Device { platform: device.platform, token: device.token.clone(), language })
        }
        Target::Address(user) => {
            let email = recipients::email_address(rows, user)?;
            let language = rows.row::<Recipient>(user).and_then(|row| row.preferences.language.clone());
            Some(Destination::Address { email, language })
        }
        Target::Webhook(id) => {
            let webhook = rows.row::<Webhook>(id).filter(|webhook| webhook.disabled.is_none())?;
            Some(Destination::Webhook { url: webhook.url.clone(), secrets: webhook.secrets_at(now) })
        }
    }
}

fn backlog(context: &Context<'_>, channel: Channel) -> Backlog {
    context.row::<Backlog>(channel).map_or_else(Backlog::default, |row| *row)
}

/// Puts a delivery at the end of a channel. If too many wait, the oldest becomes a dead letter.
fn put(context: &mut Context<'_>, channel: Channel, delivery: Delivery) {
    if backlog(context, channel).waiting >= OUTBOX_MAX {
        for (number, oldest) in next(context, channel, 0, 1) {
            take(context, channel, number);
            dead_letters::bury(context, channel, &oldest, "too many wait");
        }
    }
    let backlog = backlog(context, channel);
    let number = backlog.made.saturating_add(1);
    let waiting = backlog.waiting.saturating_add(1);
    context.put((channel, number), delivery);
    context.put(channel, Backlog { made: number, waiting, ..backlog });
}

/// Takes a delivery that waits out of its channel.
fn take(context: &mut Context<'_>, channel: Channel, number: u64) {
    context.delete(Key::Outbox(channel, number));
    let mut backlog = backlog(context, channel);
    backlog.waiting = backlog.waiting.saturating_sub(1);
    if backlog.waiting == 0 {
        backlog.oldest = backlog.made.saturating_add(1);
    } else if number == backlog.oldest {
        // Those behind it may have been taken before.
        let behind = Key::Outbox(channel, number.saturating_add(1))..Key::Outbox(channel, u64::MAX);
        let first = context.scan(behind, Order::Ascending, 1).into_iter().find_map(|(key, _)| {
            let Key::Outbox(_, number) = key else { return None };
            Some(number)
        });
        backlog.oldest = first.unwrap_or(backlog.made.saturating_add(1));
    }
    context.put(channel, backlog);
}

/// An error as it is kept: its beginning.
fn shortened(error: &str) -> String {
    let end = (0..=DELIVERY_ERROR_MAX).rev().find(|end| error.is_char_boundary(*end)).unwrap_or(0);
    error.get(..end).unwrap_or(error).to_owned()
}
