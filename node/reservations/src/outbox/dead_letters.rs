//! What could not be sent, kept for a time so that an operator can have it sent again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Channel, Delivery, Target};
use crate::context::Context;
use crate::due::DueKind;
use crate::ids::WebhookId;
use crate::outbox;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};
use crate::time::{Millis, Timestamp};
use crate::webhooks::Webhook;

/// How long a dead letter is kept: thirty days.
pub const DEAD_LETTER_DURATION: Millis = Millis::from_hours(30 * 24);

/// Dead letters that are kept. Beyond this the oldest is lost, and counted.
pub const DEAD_LETTERS_MAX: u64 = 100_000;

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The way it was to go.
    pub channel: Channel,
    /// What was to be sent, and why it was not.
    pub delivery: Delivery,
    /// When it was given up.
    pub died_at: Timestamp,
    /// When it is forgotten.
    pub forgotten_at: Timestamp,
}

/// How many dead letters there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetters {
    /// The last id given.
    pub made: u64,
    /// How many are kept.
    pub kept: u64,
    /// None that is kept has a lower id.
    pub oldest: u64,
    /// How many were lost because there were too many.
    pub lost: u64,
}

impl Default for DeadLetters {
    fn default() -> Self {
        Self { made: 0, kept: 0, oldest: 1, lost: 0 }
    }
}

/// At most `limit` dead letters below an id, of one webhook or of all, newest first.
pub fn list(
    rows: &(impl ReadRows + ?Sized),
    webhook: Option<WebhookId>,
    before: u64,
    limit: usize,
) -> Vec<(u64, Arc<DeadLetter>)> {
    let ids = ids(rows, webhook, 0, before, Order::Descending, limit).into_iter();
    ids.filter_map(|id| Some((id, rows.row::<DeadLetter>(id)?))).collect()
}

/// How many dead letters there are.
pub fn count(rows: &(impl ReadRows + ?Sized)) -> DeadLetters {
    rows.row::<DeadLetters>(()).map_or_else(DeadLetters::default, |row| *row)
}

/// Ids of dead letters, of one webhook or of all.
pub(super) fn ids(
    rows: &(impl ReadRows + ?Sized),
    webhook: Option<WebhookId>,
    first: u64,
    end: u64,
    order: Order,
    limit: usize,
) -> Vec<u64> {
    let range = match webhook {
        Some(webhook) => Key::DeadLetterByWebhook(webhook, first)..Key::DeadLetterByWebhook(webhook, end),
        None => Key::DeadLetter(first.max(count(rows).oldest))..Key::DeadLetter(end),
    };
    let found = rows.scan(range, order, limit).into_iter();
    let ids = found.filter_map(|(key, _)| {
        let (Key::DeadLetterByWebhook(_, id) | Key::DeadLetter(id)) = key else { return None };
        Some(id)
    });
    ids.collect()
}

/// Keeps a delivery that was taken out of its channel as a dead letter, unless its webhook was removed: nobody could
/// have it sent again.
pub(super) fn bury(context: &mut Context<'_>, channel: Channel, delivery: &Delivery, error: &str) {
    if let Target::Webhook(id) = delivery.target
        && context.row::<Webhook>(id).is_none()
    {
        return;
    }
    if count(context).kept >= DEAD_LETTERS_MAX {
        for id in ids(context, None, 0, u64::MAX, Order::Ascending, 1) {
            lose(context, id);
        }
    }
    let letters = count(context);
    let id = letters.made.saturating_add(1);
    let forgotten_at = context.now.plus(DEAD_LETTER_DURATION);
    let delivery = Delivery { last_error: Some(outbox::shortened(error)), ..delivery.clone() };
    let letter = DeadLetter { channel, delivery, died_at: context.now, forgotten_at };
    for key in keys_beside(id, &letter) {
        context.index(key);
    }
    context.put(id, letter);
    context.put((), DeadLetters { made: id, kept: letters.kept.saturating_add(1), ..letters });
}

/// Takes a dead letter away, if it is there still.
pub(super) fn take(context: &mut Context<'_>, id: u64) -> Option<Arc<DeadLetter>> {
    let letter = context.row::<DeadLetter>(id)?;
    context.delete(Key::DeadLetter(id));
    for key in keys_beside(id, &letter) {
        context.delete(key);
    }
    let mut letters = count(context);
    letters.kept = letters.kept.saturating_sub(1);
    if letters.kept == 0 {
        letters.oldest = letters.made.saturating_add(1);
    } else if letters.oldest == id {
        letters.oldest = id.saturating_add(1);
    }
    context.put((), letters);
    Some(letter)
}

/// Forgets a dead letter whose time has come.
pub(crate) fn forget(context: &mut Context<'_>, id: u64) {
    take(context, id);
}

fn lose(context: &mut Context<'_>, id: u64) {
    take(context, id);
    let letters = count(context);
    context.put((), DeadLetters { lost: letters.lost.saturating_add(1), ..letters });
}

/// Where else a dead letter is found: by the moment it is forgotten at, and by its webhook.
pub(crate) fn keys_beside(id: u64, letter: &DeadLetter) -> Vec<Key> {
    let mut keys = vec![Key::Due(letter.forgotten_at, DueKind::DeadLetterForgotten, id)];
    if let Target::Webhook(webhook) = letter.delivery.target {
        keys.push(Key::DeadLetterByWebhook(webhook, id));
    }
    keys
}
