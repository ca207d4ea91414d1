//! `/v1/dead-letters`: what could not be sent.

use axum::extract::State;
use holdfast_reservations::{Channel, DeadLetter, REPLAYED_MAX, Replay, Target, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Endpoint;
use crate::http::v1::cut;
use crate::http::{Answer, Call, Reply};
use crate::openapi::words;
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::{Id, instant};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub(crate) struct LetterBody {
    id: u64,
    #[schema(schema_with = words::channel)]
    channel: &'static str,
    webhook_id: Option<u64>,
    /// The number of a device among its user's.
    device_id: Option<u32>,
    /// Whose booking it tells of.
    user_id: Option<u64>,
    /// Of which event it tells.
    revision: String,
    kind: String,
    booking_id: Option<u64>,
    slot_id: u64,
    #[schema(format = DateTime)]
    occurred_at: String,
    attempts: u32,
    error: Option<String>,
    /// When it was given up.
    #[schema(format = DateTime)]
    died_at: String,
    /// When it is forgotten.
    #[schema(format = DateTime)]
    forgotten_at: String,
}

/// It has exactly one of ids, webhookId and all.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Replay)]
pub(crate) struct ReplayBody {
    /// These, as far as they are there.
    #[schema(max_items = 1000)]
    ids: Option<Vec<Id>>,
    /// Those of a webhook.
    webhook_id: Option<Id>,
    /// True for all of them.
    all: Option<bool>,
    /// Without ids: to go on, `next` of the call before.
    after: Option<Id>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Replayed)]
pub(crate) struct ReplayedBody {
    /// How many are sent again.
    replayed: u32,
    /// Where to go on, for `after`; null at the end.
    next: Option<u64>,
}

pub(crate) async fn list(State(service): State<Service>, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ManageDeadLetters).await?;
    let webhook = call.query_id("webhookId")?.map(WebhookId);
    let (limit, before) = (call.limit()?, call.query_id("after")?.unwrap_or(u64::MAX));
    let read = service.dead_letters(asked, webhook, before, limit + 1).await?;
    Reply::read(read, |letters| cut(letters, limit, |(id, _)| *id, |(id, letter)| letter_body(id, &letter)))
}

pub(crate) async fn replay(State(service): State<Service>, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::ManageDeadLetters).await?;
    let which = replay_from(call.json()?)?;
    let (replayed, next) = service.replay_dead_letters(caller, which, &call.context).await?;
    Reply::ok(&ReplayedBody { replayed, next })
}

fn replay_from(body: ReplayBody) -> Result<Replay> {
    let ReplayBody { ids, webhook_id, all, after } = body;
    let first = after.map_or(0, |id| id.0);
    match (ids, webhook_id, all) {
        (Some(_), None, None) if after.is_some() => Err(Problem::senseless("after is not for ids")),
        (Some(ids), None, None) if ids.len() > REPLAYED_MAX => {
            Err(Problem::senseless(format!("ids names at most {REPLAYED_MAX} dead letters")))
        }
        (Some(ids), None, None) => Ok(Replay::Letters(ids.into_iter().map(|id| id.0).collect())),
        (None, Some(id), None) => Ok(Replay::Webhook { webhook: WebhookId(id.0), after: first }),
        (None, None, Some(true)) => Ok(Replay::All { after: first }),
        _ => Err(Problem::senseless("give exactly one of ids, webhookId and all, which is true")),
    }
}

fn letter_body(id: u64, letter: &DeadLetter) -> LetterBody {
    let DeadLetter { channel, delivery, died_at, forgotten_at } = letter;
    let (webhook_id, device_id) = match delivery.target {
        Target::Webhook(webhook) => (Some(webhook.0), None),
        Target::Device { device, .. } => (None, Some(device)),
        Target::Address(_) => (None, None),
    };
    LetterBody {
        id,
        channel: match channel {
            Channel::Apns => "apns",
            Channel::Fcm => "fcm",
            Channel::Email => "email",
            Channel::Webhook(_) => "webhook",
        },
        webhook_id,
        device_id,
        user_id: delivery.user.map(|user| user.0),
        revision: delivery.event.to_string(),
        kind: delivery.kind.clone(),
        booking_id: delivery.booking.map(|booking| booking.0),
        slot_id: delivery.slot.0,
        occurred_at: instant(delivery.occurred_at),
        attempts: delivery.attempts,
        error: delivery.last_error.clone(),
        died_at: instant(*died_at),
        forgotten_at: instant(*forgotten_at),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn replay(body: Value) -> std::result::Result<Replay, u16> {
        let body = serde_json::from_value(body).map_err(|_| 400_u16)?;
        replay_from(body).map_err(|problem| problem.status)
    }

    #[test]
    fn which_dead_letters_are_meant_is_said_in_one_way() {
        assert_eq!(replay(json!({"ids": [3, "7"]})), Ok(Replay::Letters(vec![3, 7])));
        let of_webhook = Replay::Webhook { webhook: WebhookId(2), after: 0 };
        assert_eq!(replay(json!({"webhookId": 2})), Ok(of_webhook));
        assert_eq!(replay(json!({"all": true, "after": 9})), Ok(Replay::All { after: 9 }));
        for wrong in [
            json!({}),
            json!({"all": false}),
            json!({"after": 9}),
            json!({"ids": [1], "all": true}),
            json!({"ids": [1], "after": 9}),
            json!({"ids": vec![1; REPLAYED_MAX + 1]}),
        ] {
            assert_eq!(replay(wrong.clone()), Err(422), "{wrong}");
        }
        assert_eq!(replay(json!({"ids": [1], "every": true})), Err(400));
    }
}
