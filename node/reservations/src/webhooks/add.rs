//! Makes a webhook.

use serde::{Deserialize, Serialize};

use super::{Reach, WEBHOOKS_MAX, WEBHOOKS_PER_APP_MAX, Webhook, WebhookKinds};
use crate::context::Context;
use crate::ids::WebhookId;
use crate::kinds::KindPattern;
use crate::outcome::{Contradiction, Halt, Outcome, Rejection};
use crate::rows::ReadTyped as _;
use crate::webhooks;

/// Makes a webhook. An operator's hears of everything, an app's of the bookings that the app manages.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddWebhook {
    /// The address.
    pub url: String,
    /// What it wants to hear of.
    pub kinds: Vec<KindPattern>,
    /// What signs what is sent; drawn by the node that was asked. A retry is answered with the first one.
    pub secret: [u8; 32],
}

impl AddWebhook {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(webhooks::may_have_some)?;
        let all = webhooks::list(context);
        let own = all.iter().filter(|(_, webhook)| webhook.owner == actor.user).count();
        let is_operator = actor.role.operates();
        if all.len() >= WEBHOOKS_MAX || (!is_operator && own >= WEBHOOKS_PER_APP_MAX) {
            return Err(Rejection::TooManyWebhooks.into());
        }
        let made = context.row::<WebhookKinds>(()).map_or(0, |kinds| kinds.made);
        let id = WebhookId(made.checked_add(1).ok_or(Contradiction::Overflow)?);
        let webhook = Webhook {
            url: self.url.clone(),
            kinds: self.kinds.clone(),
            owner: actor.user,
            reach: if is_operator { Reach::Everything } else { Reach::Bookings },
            secret: self.secret,
            former: None,
            created_at: context.now,
            disabled: None,
        };
        webhooks::write(context, id, webhook.clone());
        Ok(Outcome::Webhook(id, webhook))
    }
}

/// Leaves the secret out.
impl std::fmt::Debug for AddWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddWebhook")
            .field("url", &self.url)
            .field("kinds", &self.kinds)
            .finish_non_exhaustive()
    }
}
