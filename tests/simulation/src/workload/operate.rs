//! What an operator does to the accounts of others: bans, lifts bans, gives roles.

use holdfast_model::{Door, Right, Rule, UserId};
use serde_json::json;

use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct Ban;
pub(super) struct LiftBan;
pub(super) struct SetRole;

/// So many are banned at once; the others have work to do.
const BANNED_MAX: usize = 2;

impl Operation for Ban {
    fn name(&self) -> &'static str {
        "ban"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let mut known = who.accounts.known();
        let apps = known.apps.iter().map(|app| app.user);
        let some: Vec<UserId> =
            known.people.iter().copied().chain(apps).filter(|user| !known.banned.contains(user)).collect();
        let may_ban = who.is_staff && known.banned.len() < BANNED_MAX && !some.is_empty();
        let user = may_ban.then(|| *chance.pick(&some))?;
        // Whatever comes of it: he may be.
        known.banned.push(user);
        Some(Wish {
            method: "PUT",
            path: format!("/v1/users/{}/ban", user.0),
            body: Some(json!({"reason": "sells on tickets"})),
            rules: vec![Rule::Shut(Door { user: user.0, right: Right::Acts })],
            ..Wish::default()
        })
    }
}

impl Operation for LiftBan {
    fn name(&self) -> &'static str {
        "lift_ban"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let known = who.accounts.known();
        let user = (who.is_staff && !known.banned.is_empty()).then(|| *chance.pick(&known.banned))?;
        Some(Wish {
            method: "DELETE",
            path: format!("/v1/users/{}/ban", user.0),
            rules: vec![Rule::Open(Door { user: user.0, right: Right::Acts })],
            about: Some(user),
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, _: &Reply) {
        who.accounts.known().banned.retain(|user| Some(*user) != wish.about);
    }
}

impl Operation for SetRole {
    fn name(&self) -> &'static str {
        "set_role"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let known = who.accounts.known();
        let user = (who.is_staff && !known.people.is_empty()).then(|| *chance.pick(&known.people))?;
        let door = Door { user: user.0, right: Right::ChecksIn };
        let (role, rule) = match chance.percent(50) {
            true => ("staff", Rule::Open(door)),
            false => ("guest", Rule::Shut(door)),
        };
        Some(Wish {
            method: "PUT",
            path: format!("/v1/users/{}/role", user.0),
            body: Some(json!({"role": role})),
            rules: vec![rule],
            ..Wish::default()
        })
    }
}
