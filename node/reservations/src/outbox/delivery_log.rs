//! What became of the last deliveries to a webhook, for whoever looks after it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Backlog, Channel, Delivery, Target};
use crate::context::Context;
use crate::ids::{Revision, WebhookId};
use crate::outbox;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Stored as _};
use crate::time::Timestamp;
use crate::webhooks::Webhook;

/// Deliveries kept in the log of a webhook.
pub const DELIVERY_LOG_MAX: u64 = 100;

/// A delivery that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// Which event.
    pub event: Revision,
    /// Its name.
    pub kind: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub ended: Ended,
}

/// How a delivery ended. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// The receiver took it.
    Delivered {
        /// What it said.
        status: u16,
    },
    /// The receiver is there no more.
    Gone {
        /// How that shows.
        error: String,
    },
    /// It was given up.
    Dead {
        /// Why.
        error: String,
    },
}

/// At most `limit` deliveries of the log of a webhook with their numbers, newest first.
pub fn list(rows: &(impl ReadRows + ?Sized), webhook: WebhookId, limit: usize) -> Vec<(u64, Arc<Logged>)> {
    let all = Key::DeliveryLog(webhook, 0)..Key::DeliveryLog(webhook, u64::MAX);
    let found = rows.scan(all, Order::Descending, limit).into_iter();
    let logged = found.filter_map(|(key, row)| {
        let Key::DeliveryLog(_, number) = key else { return None };
        Some((number, Logged::from_row(row)?))
    });
    logged.collect()
}

/// Notes how a delivery ended, if it was to a webhook that is there still.
pub(crate) fn note(context: &mut Context<'_>, delivery: &Delivery, ended: Ended) {
    let Target::Webhook(id) = delivery.target else { return };
    if context.row::<Webhook>(id).is_none() {
        return;
    }
    let channel = Channel::Webhook(id);
    let backlog = outbox::backlog(context, channel);
    let logged = backlog.logged.saturating_add(1);
    context.put(channel, Backlog { logged, ..backlog });
    let Delivery { event, kind, attempts, .. } = delivery;
    let at = context.now;
    context.put((id, logged), Logged { event: *event, kind: kind.clone(), attempts: *attempts, at, ended });
    if let Some(forgotten) = logged.checked_sub(DELIVERY_LOG_MAX) {
        context.delete(Key::DeliveryLog(id, forgotten));
    }
}
