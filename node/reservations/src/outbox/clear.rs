//! Empties the channel of a webhook that was disabled or removed, in bounded batches.

use super::{Backlog, Channel, dead_letters, delivery_log};
use crate::context::Context;
use crate::due::DueKind;
use crate::ids::WebhookId;
use crate::outbox;
use crate::rows::{Key, ReadTyped as _};
use crate::time::Timestamp;
use crate::webhooks::Webhook;

/// Deliveries one due row clears: a hundred webhooks may be due in one tick.
pub const CLEARED_MAX: usize = 64;

/// Lets ticks empty the channel, if something waits in it.
pub(crate) fn begin(context: &mut Context<'_>, id: WebhookId) {
    let now = context.now;
    go_on(context, id, now);
}

/// Takes a batch of what waits: dead letters while the webhook is there, nothing once it is removed. The answer is how many.
pub(crate) fn clear(context: &mut Context<'_>, id: WebhookId, due_at: Timestamp) -> usize {
    let webhook = context.row::<Webhook>(id);
    if webhook.is_some_and(|webhook| webhook.disabled.is_none()) {
        return 0;
    }
    let channel = Channel::Webhook(id);
    let batch = outbox::next(context, channel, 0, CLEARED_MAX);
    let cleared = batch.len();
    for (number, delivery) in batch {
        outbox::take(context, channel, number);
        dead_letters::bury(context, channel, &delivery, "the webhook was disabled");
    }
    go_on(context, id, due_at);
    cleared
}

/// Forgets the delivery log of a webhook.
pub(crate) fn forget_log(context: &mut Context<'_>, id: WebhookId) {
    for (number, _) in delivery_log::list(context, id, usize::MAX) {
        context.delete(Key::DeliveryLog(id, number));
    }
}

fn go_on(context: &mut Context<'_>, id: WebhookId, due_at: Timestamp) {
    let channel = Channel::Webhook(id);
    let Some(backlog) = context.row::<Backlog>(channel) else { return };
    if backlog.waiting > 0 {
        context.index(Key::Due(due_at, DueKind::OutboxCleared, id.0));
    } else if context.row::<Webhook>(id).is_none() {
        context.delete(Key::Backlog(channel));
    }
}
