//! Notes what became of deliveries that were tried.

use serde::{Deserialize, Serialize};

use super::{Channel, Delivery, Ended, Target, dead_letters, delivery_log};
use crate::context::Context;
use crate::ids::{UserId, WebhookId};
use crate::outbox;
use crate::outcome::{Halt, Outcome};
use crate::recipients::{self, Preferences, Recipient};
use crate::rows::ReadTyped as _;
use crate::time::Timestamp;
use crate::webhooks::{self, Disabled, Webhook};

/// Deliveries one command settles. What is beyond waits still, and is tried again.
pub const SETTLED_MAX: usize = 1000;

/// Notes what became of deliveries. One that does not wait any more, or was tried as often before, was settled before,
/// by this leader or the one before it: nothing happens. Internal: proposed by the leader's senders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleDeliveries {
    /// Each by channel and number.
    pub results: Vec<(Channel, u64, Settled)>,
}

/// What became of a delivery. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settled {
    /// It was taken.
    Delivered {
        /// What the receiver said, as a status of its protocol: 200 for HTTP, 250 for mail.
        status: u16,
    },
    /// It was not, and may be later.
    Retry {
        /// How often it was tried, this time with it. If it is known to have been tried as often, this was settled
        /// before: a proposal that was given up may be agreed beside the one that was made in its stead.
        attempts: u32,
        /// Not to be tried before.
        next_at: Timestamp,
        /// Why not.
        error: String,
    },
    /// The receiver is there no more: the device is taken from its user, the address gets no more e-mail, the webhook
    /// is disabled.
    Gone {
        /// How that shows.
        error: String,
    },
    /// It never will be.
    Dead {
        /// Why not.
        error: String,
    },
}

impl SettleDeliveries {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let mut settled = 0u32;
        for (channel, number, result) in self.results.iter().take(SETTLED_MAX) {
            let Some(delivery) = context.row::<Delivery>((*channel, *number)) else { continue };
            if matches!(result, Settled::Retry { attempts, .. } if *attempts <= delivery.attempts) {
                continue;
            }
            let attempts = delivery.attempts.saturating_add(1);
            let tried = Delivery { attempts, ..(*delivery).clone() };
            settle(context, (*channel, *number), tried, result);
            settled = settled.saturating_add(1);
        }
        Ok(Outcome::DeliveriesSettled(settled))
    }
}

fn settle(context: &mut Context<'_>, (channel, number): (Channel, u64), tried: Delivery, result: &Settled) {
    match result {
        Settled::Delivered { status } => {
            outbox::take(context, channel, number);
            delivery_log::note(context, &tried, Ended::Delivered { status: *status });
        }
        Settled::Retry { attempts, next_at, error } => {
            let (attempts, next_at) = (*attempts, *next_at);
            let last_error = Some(outbox::shortened(error));
            context.put((channel, number), Delivery { attempts, next_at, last_error, ..tried });
        }
        Settled::Gone { error } => {
            outbox::take(context, channel, number);
            delivery_log::note(context, &tried, Ended::Gone { error: outbox::shortened(error) });
            match tried.target {
                Target::Device { user, device } => recipients::remove(context, user, device),
                Target::Address(user) => stop_email(context, user),
                Target::Webhook(id) => {
                    dead_letters::bury(context, channel, &tried, error);
                    disable(context, id, error);
                }
            }
        }
        Settled::Dead { error } => {
            outbox::take(context, channel, number);
            delivery_log::note(context, &tried, Ended::Dead { error: outbox::shortened(error) });
            dead_letters::bury(context, channel, &tried, error);
        }
    }
}

/// No more e-mail to a user, until he asks for it again.
fn stop_email(context: &mut Context<'_>, user: UserId) {
    let recipient = context.row::<Recipient>(user).map(|row| (*row).clone()).unwrap_or_default();
    let preferences = Preferences { email: Some(false), ..recipient.preferences };
    context.put(user, Recipient { preferences, ..recipient });
}

/// Nothing more is sent to a webhook until somebody enables it again; what waits for it becomes dead letters.
fn disable(context: &mut Context<'_>, id: WebhookId, error: &str) {
    let Some(webhook) = context.row::<Webhook>(id).filter(|webhook| webhook.disabled.is_none()) else {
        return;
    };
    let disabled = Some(Disabled { at: context.now, reason: outbox::shortened(error) });
    webhooks::write(context, id, Webhook { disabled, ..(*webhook).clone() });
    outbox::clear::begin(context, id);
}
