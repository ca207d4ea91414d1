//! Apps: an operator makes them, gives them secrets and takes them away; they book for guests.

use holdfast_model::{Request, Rule};
use serde_json::{Value, json};

use super::accounts::{App, name_of};
use super::answers::booking_in;
use super::{By, Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct CreateApp;
pub(super) struct AddSecret;
pub(super) struct RevokeSecret;
pub(super) struct DeleteApp;
pub(super) struct BookByApp;

/// More apps show nothing more.
const APPS_MAX: usize = 3;

impl Operation for CreateApp {
    fn name(&self) -> &'static str {
        "create_app"
    }

    fn draw(&self, who: &Person, _: &Park, _: &mut Chance) -> Option<Wish> {
        let is_wanted = who.is_staff && who.accounts.known().apps.len() < APPS_MAX;
        let body = json!({"name": "Shop"});
        is_wanted.then(|| Wish {
            method: "POST",
            path: "/v1/apps".to_owned(),
            body: Some(body),
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        learn_secret(who, &reply.json);
    }
}

impl Operation for AddSecret {
    fn name(&self) -> &'static str {
        "add_secret"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let app = who.accounts.some_app(chance).filter(|_| who.is_staff)?;
        Some(Wish { method: "POST", path: format!("/v1/apps/{}/secrets", app.user.0), ..Wish::default() })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        learn_secret(who, &reply.json);
    }
}

impl Operation for RevokeSecret {
    fn name(&self) -> &'static str {
        "revoke_secret"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let app = who.accounts.some_app(chance).filter(|_| who.is_staff)?;
        let (number, secret) = chance.pick(&app.secrets);
        Some(Wish {
            method: "DELETE",
            path: format!("/v1/apps/{}/secrets/{number}", app.user.0),
            rules: vec![Rule::VoidOne(name_of(secret))],
            ..Wish::default()
        })
    }
}

impl Operation for DeleteApp {
    fn name(&self) -> &'static str {
        "delete_app"
    }

    /// What is known of it stays known: guests go on to show what it showed.
    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let app = who.accounts.some_app(chance).filter(|_| who.is_staff)?;
        let rules = app.secrets.iter().map(|(_, secret)| Rule::VoidOne(name_of(secret))).collect();
        Some(Wish { method: "DELETE", path: format!("/v1/apps/{}", app.user.0), rules, ..Wish::default() })
    }
}

impl Operation for BookByApp {
    fn name(&self) -> &'static str {
        "book_by_app"
    }

    fn draw(&self, who: &Person, park: &Park, chance: &mut Chance) -> Option<Wish> {
        let app = who.accounts.some_app(chance)?;
        let (_, secret) = chance.pick(&app.secrets);
        let slot = park.any_slot(chance);
        let (count, owner) = (chance.between(1..=2) as u32, who.user);
        Some(Wish {
            method: "POST",
            path: "/v1/bookings".to_owned(),
            body: Some(json!({"slotId": slot.0, "count": count, "userId": owner.0})),
            request: park.records(slot).then_some(Request::Book { slot, count, owner }),
            // It never grows old, and a ban that is lifted brings it back.
            by: Some(By { user: app.user, token: secret.clone(), given_at: u64::MAX }),
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        if let Some(booking) = booking_in(&reply.json) {
            who.bookings.push((booking.id, booking.slot));
        }
    }
}

/// A secret is shown once.
fn learn_secret(who: &Person, json: &Value) {
    let (user, number) = (json["userId"].as_u64(), json["secretId"].as_u64());
    let (Some(user), Some(number), Some(secret)) = (user, number, json["secret"].as_str()) else { return };
    let (user, secret) = (holdfast_model::UserId(user), (number, secret.to_owned()));
    let mut known = who.accounts.known();
    match known.apps.iter_mut().find(|app| app.user == user) {
        Some(app) => app.secrets.push(secret),
        None => known.apps.push(App { user, secrets: vec![secret] }),
    }
}
