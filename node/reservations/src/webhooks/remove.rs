//! Removes a webhook.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::due::DueKind;
use crate::ids::WebhookId;
use crate::outbox;
use crate::outcome::{Halt, Outcome};
use crate::rows::Key;
use crate::webhooks;

/// Removes a webhook: it hears of nothing any more, and what waits for it is dropped. Its dead letters stay as long as
/// others do, for whoever wants to read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveWebhook {
    /// Which.
    pub webhook: WebhookId,
}

impl RemoveWebhook {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let webhook = webhooks::find(context, self.webhook)?;
        if let Some(disabled) = &webhook.disabled {
            context.delete(Key::Due(disabled.at, DueKind::OutboxCleared, self.webhook.0));
        }
        context.delete(Key::Webhook(self.webhook));
        webhooks::want(context, self.webhook, None);
        outbox::clear::forget_log(context, self.webhook);
        outbox::clear::begin(context, self.webhook);
        Ok(Outcome::WebhookRemoved(self.webhook))
    }
}
