//! Gives a webhook another secret.

use serde::{Deserialize, Serialize};

use super::{FORMER_SECRET_DURATION, FormerSecret, Webhook};
use crate::context::Context;
use crate::ids::WebhookId;
use crate::outcome::{Halt, Outcome};
use crate::webhooks;

/// Gives a webhook another secret; the one before signs beside it for a day, so that its server can change over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateWebhookSecret {
    /// Which.
    pub webhook: WebhookId,
    /// The secret; drawn by the node that was asked. A retry is answered with the first one.
    pub secret: [u8; 32],
}

impl RotateWebhookSecret {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let webhook = webhooks::find(context, self.webhook)?;
        let former = FormerSecret { secret: webhook.secret, until: context.now.plus(FORMER_SECRET_DURATION) };
        let rotated = Webhook { secret: self.secret, former: Some(former), ..(*webhook).clone() };
        webhooks::write(context, self.webhook, rotated.clone());
        Ok(Outcome::Webhook(self.webhook, rotated))
    }
}

/// Leaves the secret out.
impl std::fmt::Debug for RotateWebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RotateWebhookSecret").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}
