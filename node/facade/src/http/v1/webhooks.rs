//! `/v1/webhooks`: servers that want to hear of events.

mod address;

use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_reservations::{Ended, KINDS_MAX, KindPattern, Logged, Reach, Webhook, WebhookId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::path::{Segment, path_id};
use crate::http::v1::cut;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::instant;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub(crate) struct AddBody {
    /// Where events are posted: `https://`, and public.
    #[schema(format = "uri", max_length = 2048)]
    url: String,
    #[schema(schema_with = words::kinds)]
    kinds: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(crate) struct WebhookBody {
    id: u64,
    url: String,
    #[schema(schema_with = words::kinds)]
    kinds: Vec<String>,
    /// Of what it may hear at all: an operator's of everything, an app's of the bookings that the app manages.
    #[schema(schema_with = words::webhook_reach)]
    reach: &'static str,
    /// Who made it.
    user_id: u64,
    #[schema(schema_with = words::webhook_status)]
    status: &'static str,
    /// Why nothing is sent to it, if nothing is.
    disabled: Option<DisabledBody>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when the secret before signs too, if there was one. That may have passed.
    #[schema(format = DateTime)]
    former_secret_until: Option<String>,
    /// What signs what is sent: `whsec_` and base64. Shown by the call that made it, and its retries, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDisabled)]
struct DisabledBody {
    #[schema(format = DateTime)]
    at: String,
    reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub(crate) struct LoggedBody {
    /// Its number in the log of the webhook.
    id: u64,
    /// Of which event it told: `data.revision` of what was sent.
    revision: String,
    kind: String,
    #[schema(schema_with = words::delivery_end)]
    ended: &'static str,
    /// How often it was tried.
    attempts: u32,
    #[schema(format = DateTime)]
    at: String,
    /// What the server said, if it took it.
    http_status: Option<u16>,
    /// Why it did not.
    error: Option<String>,
}

pub(crate) async fn add(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageWebhooks).await?;
    let AddBody { url, kinds } = call.json()?;
    let url = address::url_from(url, service.settings().allow_private_webhooks)?;
    if kinds.is_empty() {
        return Err(Problem::senseless("kinds names at least one kind of event; all of them are *"));
    }
    let (id, webhook) = service.add_webhook(caller, url, kinds_from(kinds)?, &call.context).await?;
    Reply::json(StatusCode::CREATED, &with_secret(id, &webhook))
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageWebhooks).await?;
    let before = WebhookId(call.query_id("after")?.unwrap_or(u64::MAX));
    let limit = call.limit()?;
    let read = service.webhooks(asked, before, limit + 1).await?;
    Reply::read(read, |webhooks| {
        cut(webhooks, limit, |(id, _)| id.0, |(id, webhook)| webhook_body(id, &webhook))
    })
}

pub(crate) async fn show(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageWebhooks).await?;
    let id = webhook_id(&id)?;
    let read = service.webhook(asked, id).await?;
    Reply::read(read, |webhook| webhook_body(id, &webhook))
}

pub(crate) async fn remove(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageWebhooks).await?;
    let id = service.remove_webhook(caller, webhook_id(&id)?, &call.context).await?;
    Reply::ok(&json!({"id": id.0, "message": "removed"}))
}

pub(crate) async fn enable(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageWebhooks).await?;
    let (id, webhook) = service.enable_webhook(caller, webhook_id(&id)?, &call.context).await?;
    Reply::ok(&webhook_body(id, &webhook))
}

pub(crate) async fn rotate_secret(
    State(service): State<Service>,
    Segment(id): Segment,
    call: Call,
) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageWebhooks).await?;
    let (id, webhook) = service.rotate_webhook_secret(caller, webhook_id(&id)?, &call.context).await?;
    Reply::ok(&with_secret(id, &webhook))
}

pub(crate) async fn deliveries(State(service): State<Service>, Segment(id): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageWebhooks).await?;
    let (limit, before) = (call.limit()?, call.query_id("after")?.unwrap_or(u64::MAX));
    let read = service.webhook_deliveries(asked, webhook_id(&id)?, before, limit + 1).await?;
    Reply::read(read, |logged| {
        cut(logged, limit, |(number, _)| *number, |(number, logged)| logged_body(number, &logged))
    })
}

fn webhook_id(text: &str) -> Result<WebhookId> {
    path_id(text, "webhook_not_found", "webhook").map(WebhookId)
}

/// Kinds of event that somebody wants to hear of.
pub(super) fn kinds_from(texts: Vec<String>) -> Result<Vec<KindPattern>> {
    if texts.len() > KINDS_MAX {
        return Err(Problem::senseless(format!("kinds names at most {KINDS_MAX} kinds of event")));
    }
    let unknown = |text: &str| {
        let says = "a kind is one like booking.ready, all of a noun like booking.*, or *";
        Problem::senseless(format!("there is no kind {text:?}: {says}"))
    };
    texts.iter().map(|text| KindPattern::parse(text).ok_or_else(|| unknown(text))).collect()
}

fn with_secret(id: WebhookId, webhook: &Webhook) -> WebhookBody {
    let secret = Some(format!("whsec_{}", STANDARD.encode(webhook.secret)));
    WebhookBody { secret, ..webhook_body(id, webhook) }
}

fn webhook_body(id: WebhookId, webhook: &Webhook) -> WebhookBody {
    let disabled = webhook.disabled.as_ref();
    WebhookBody {
        id: id.0,
        url: webhook.url.clone(),
        kinds: webhook.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        reach: match webhook.reach {
            Reach::Everything => "everything",
            Reach::Bookings => "bookings",
        },
        user_id: webhook.owner.0,
        status: if disabled.is_some() { "disabled" } else { "enabled" },
        disabled: disabled.map(|why| DisabledBody { at: instant(why.at), reason: why.reason.clone() }),
        created_at: instant(webhook.created_at),
        former_secret_until: webhook.former.map(|former| instant(former.until)),
        secret: None,
    }
}

fn logged_body(id: u64, logged: &Logged) -> LoggedBody {
    let (ended, http_status, error) = match &logged.ended {
        Ended::Delivered { status } => ("delivered", Some(*status), None),
        Ended::Gone { error } => ("gone", None, Some(error.clone())),
        Ended::Dead { error } => ("dead", None, Some(error.clone())),
    };
    LoggedBody {
        id,
        revision: logged.event.to_string(),
        kind: logged.kind.clone(),
        ended,
        attempts: logged.attempts,
        at: instant(logged.at),
        http_status,
        error,
    }
}
