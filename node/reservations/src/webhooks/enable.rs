//! Lets a webhook hear of events again.

use serde::{Deserialize, Serialize};

use super::Webhook;
use crate::context::Context;
use crate::due::DueKind;
use crate::ids::WebhookId;
use crate::outcome::{Halt, Outcome};
use crate::rows::Key;
use crate::webhooks;

/// Lets a webhook that was disabled hear of events again, from now on. What it has missed is among the dead letters.
/// Nothing happens to one that is not disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnableWebhook {
    /// Which.
    pub webhook: WebhookId,
}

impl EnableWebhook {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let webhook = webhooks::find(context, self.webhook)?;
        let enabled = Webhook { disabled: None, ..(*webhook).clone() };
        if let Some(disabled) = &webhook.disabled {
            // What still waits is sent after all.
            context.delete(Key::Due(disabled.at, DueKind::OutboxCleared, self.webhook.0));
            webhooks::write(context, self.webhook, enabled.clone());
        }
        Ok(Outcome::Webhook(self.webhook, enabled))
    }
}
