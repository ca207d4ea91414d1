//! Webhooks, and what could not be sent to them or to anybody.

use serde_json::json;

use super::{Operation, Park, Person, Wish, maybe_stale};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct AddWebhook;
pub(super) struct ChangeWebhook;
pub(super) struct ListDeadLetters;
pub(super) struct ReplayDeadLetters;

/// More webhooks show nothing more.
const WEBHOOKS_MAX: usize = 3;

impl Operation for AddWebhook {
    fn name(&self) -> &'static str {
        "add_webhook"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let kinds = [json!(["*"]), json!(["booking.*"]), json!(["booking.used", "slot.*"])];
        let url = format!("https://hooks.example.com/{:016x}", chance.draw());
        let body = json!({"url": url, "kinds": chance.pick(&kinds)});
        (who.is_staff && who.webhooks.len() < WEBHOOKS_MAX).then(|| Wish {
            method: "POST",
            path: "/v1/webhooks".to_owned(),
            body: Some(body),
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        who.webhooks.extend(reply.json["id"].as_u64());
    }
}

impl Operation for ChangeWebhook {
    fn name(&self) -> &'static str {
        "change_webhook"
    }

    /// One that is gone is removed sooner or later, whatever the answer was.
    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let id = (!who.webhooks.is_empty()).then(|| *chance.pick(&who.webhooks))?;
        let (method, what) = match chance.between(0..=5) {
            0 => ("DELETE", ""),
            1 => ("POST", "/rotate-secret"),
            2 => ("GET", "/deliveries"),
            _ => ("POST", "/enable"),
        };
        let path = format!("/v1/webhooks/{id}{what}");
        match method {
            "GET" => {
                let (path, kind) = maybe_stale(path, chance);
                Some(Wish { path, kind, ..Wish::default() })
            }
            _ => Some(Wish { method, path, ..Wish::default() }),
        }
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, _: &Reply) {
        if wish.method == "DELETE" {
            who.webhooks.retain(|id| !wish.path.ends_with(&format!("/{id}")));
        }
    }
}

impl Operation for ListDeadLetters {
    fn name(&self) -> &'static str {
        "list_dead_letters"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let (path, kind) = maybe_stale("/v1/dead-letters?limit=200".to_owned(), chance);
        who.is_staff.then(|| Wish { path, kind, ..Wish::default() })
    }
}

impl Operation for ReplayDeadLetters {
    fn name(&self) -> &'static str {
        "replay_dead_letters"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let body = match who.webhooks.first() {
            Some(id) if chance.percent(40) => json!({"webhookId": id}),
            Some(_) | None => json!({"all": true}),
        };
        who.is_staff.then(|| Wish {
            method: "POST",
            path: "/v1/dead-letters/replay".to_owned(),
            body: Some(body),
            ..Wish::default()
        })
    }
}
