//! What people do with their own accounts: they sign up, log out, change their password, and show what is old.

use holdfast_model::Rule;
use serde_json::json;

use super::accounts::name_of;
use super::{By, Kind, Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct SignUp;
pub(super) struct LogOut;
pub(super) struct SetPassword;
pub(super) struct ReuseRefreshToken;
pub(super) struct ShowOldToken;

impl Operation for SignUp {
    fn name(&self) -> &'static str {
        "sign_up"
    }

    fn draw(&self, _: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        Some(sign_up(&format!("another{}@park.example", chance.draw()), "another-password"))
    }
}

impl Operation for LogOut {
    fn name(&self) -> &'static str {
        "log_out"
    }

    fn draw(&self, who: &Person, _: &Park, _: &mut Chance) -> Option<Wish> {
        let path = "/auth/logout".to_owned();
        Some(Wish { method: "POST", path, rules: vec![Rule::Void(who.user.0)], ..Wish::default() })
    }
}

impl Operation for SetPassword {
    fn name(&self) -> &'static str {
        "set_password"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let password = format!("down-by-the-lake-{}", chance.draw());
        let body = json!({"password": password, "oldPassword": who.password});
        Some(Wish {
            method: "PUT",
            path: format!("/v1/users/{}/password", who.user.0),
            body: Some(body),
            rules: vec![Rule::Void(who.user.0)],
            password: Some(password),
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, _: &Reply) {
        if let Some(password) = &wish.password {
            who.password.clone_from(password);
            who.maybe_password = None;
        }
    }
}

impl Operation for ReuseRefreshToken {
    fn name(&self) -> &'static str {
        "reuse_refresh_token"
    }

    /// It is refused, and from then on the newest one of the session is too.
    fn draw(&self, who: &Person, _: &Park, _: &mut Chance) -> Option<Wish> {
        let (used, newest) = who.used_refresh_token.clone()?;
        Some(Wish {
            method: "POST",
            path: "/auth/refresh".to_owned(),
            body: Some(json!({"refreshToken": used.token})),
            kind: Kind::SignIn,
            rules: vec![Rule::VoidOne(name_of(&newest))],
            is_ruled_by_refusal: true,
            by: Some(used),
            ..Wish::default()
        })
    }
}

impl Operation for ShowOldToken {
    fn name(&self) -> &'static str {
        "show_old_token"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let by = (!who.old_tokens.is_empty()).then(|| chance.pick(&who.old_tokens).clone());
        by.map(|by| Wish {
            method: "GET",
            path: format!("/v1/users/{}", who.user.0),
            kind: Kind::Read,
            by: Some(by),
            ..Wish::default()
        })
    }
}

/// A sign-up.
pub(super) fn sign_up(email: &str, password: &str) -> Wish {
    Wish {
        method: "POST",
        path: "/auth/signup".to_owned(),
        body: Some(json!({"email": email, "password": password, "name": "Guest"})),
        kind: Kind::SignIn,
        is_of_nobody: true,
        ..Wish::default()
    }
}

impl By {
    pub(super) fn new(who: &Person, token: &str, given_at: u64) -> Self {
        Self { user: who.user, token: token.to_owned(), given_at }
    }
}
