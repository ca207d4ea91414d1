//! Webhooks, as operators and apps manage them.

use std::sync::Arc;

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    AddWebhook, Command, DELIVERY_LOG_MAX, EnableWebhook, KindPattern, Logged, Outcome, ReadRows,
    ReadTyped as _, RemoveWebhook, RotateWebhookSecret, Webhook, WebhookId, delivery_log, list_webhooks,
};

use crate::problem::{Problem, Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

impl Service {
    /// Makes a webhook. Its secret is the one in the answer: a retry is answered with the first that was drawn.
    pub(crate) async fn add_webhook(
        &self,
        caller: Caller,
        url: String,
        kinds: Vec<KindPattern>,
        call: &CallContext,
    ) -> Result<(WebhookId, Webhook)> {
        let command = AddWebhook { url, kinds, secret: rand::random() };
        self.change_webhook(caller, Command::AddWebhook(command), call).await
    }

    /// Gives a webhook another secret; with a retry it is as with [`Service::add_webhook`].
    pub(crate) async fn rotate_webhook_secret(
        &self,
        caller: Caller,
        webhook: WebhookId,
        call: &CallContext,
    ) -> Result<(WebhookId, Webhook)> {
        let command = RotateWebhookSecret { webhook, secret: rand::random() };
        self.change_webhook(caller, Command::RotateWebhookSecret(command), call).await
    }

    /// Lets a webhook hear of events again.
    pub(crate) async fn enable_webhook(
        &self,
        caller: Caller,
        webhook: WebhookId,
        call: &CallContext,
    ) -> Result<(WebhookId, Webhook)> {
        self.change_webhook(caller, Command::EnableWebhook(EnableWebhook { webhook }), call).await
    }

    async fn change_webhook(
        &self,
        caller: Caller,
        command: Command,
        call: &CallContext,
    ) -> Result<(WebhookId, Webhook)> {
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Webhook(id, webhook), _) => Ok((id, webhook)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Removes a webhook.
    pub(crate) async fn remove_webhook(
        &self,
        caller: Caller,
        webhook: WebhookId,
        call: &CallContext,
    ) -> Result<WebhookId> {
        let command = Command::RemoveWebhook(RemoveWebhook { webhook });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::WebhookRemoved(id), _) => Ok(id),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// A webhook the caller may see.
    pub(crate) async fn webhook(&self, asked: Asked, id: WebhookId) -> Result<Read<Arc<Webhook>>> {
        self.read_as(asked, |view, caller| visible_webhook(view, caller, id)).await
    }

    /// Webhooks the caller may see, newest first.
    pub(crate) async fn webhooks(
        &self,
        asked: Asked,
        before: WebhookId,
        limit: usize,
    ) -> Result<Read<Vec<(WebhookId, Arc<Webhook>)>>> {
        let with = |view: &View<'_>, caller: Caller| {
            let visible = list_webhooks(view)
                .into_iter()
                .rev()
                .filter(|(id, webhook)| *id < before && webhook.is_managed_by(caller.user, caller.role));
            Ok(visible.take(limit).collect())
        };
        self.read_as(asked, with).await
    }

    /// How the last deliveries to a webhook ended, newest first.
    pub(crate) async fn webhook_deliveries(
        &self,
        asked: Asked,
        id: WebhookId,
        before: u64,
        limit: usize,
    ) -> Result<Read<Vec<(u64, Arc<Logged>)>>> {
        let with = |view: &View<'_>, caller: Caller| {
            visible_webhook(view, caller, id)?;
            // All that there are fit one page of the largest.
            let logged = delivery_log(view, id, usize::try_from(DELIVERY_LOG_MAX).unwrap_or(usize::MAX));
            Ok(logged.into_iter().filter(|(number, _)| *number < before).take(limit).collect())
        };
        self.read_as(asked, with).await
    }
}

/// Somebody else's is as unknown as none.
fn visible_webhook(rows: &impl ReadRows, caller: Caller, id: WebhookId) -> Result<Arc<Webhook>> {
    let found = rows.row::<Webhook>(id).filter(|webhook| webhook.is_managed_by(caller.user, caller.role));
    found.ok_or_else(|| Problem::not_found("webhook_not_found", format!("webhook {}", id.0)))
}
