//! Logs in again, and refreshes a session.

use holdfast_model::Rule;
use serde_json::json;

use super::accounts::name_of;
use super::{By, Kind, Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct LogIn;

impl Operation for LogIn {
    fn name(&self) -> &'static str {
        "log_in"
    }

    fn draw(&self, who: &Person, _: &Park, _: &mut Chance) -> Option<Wish> {
        Some(log_in(&who.email, &who.password))
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        who.take_tokens(&reply.json);
        who.used_refresh_token = None;
    }
}

pub(super) struct Refresh;

impl Operation for Refresh {
    fn name(&self) -> &'static str {
        "refresh"
    }

    fn draw(&self, who: &Person, _: &Park, _: &mut Chance) -> Option<Wish> {
        let by = By::new(who, &who.refresh_token, who.given_at);
        let rules = vec![Rule::VoidOne(name_of(&by.token))];
        Some(Wish {
            method: "POST",
            path: "/auth/refresh".to_owned(),
            body: Some(json!({"refreshToken": by.token})),
            kind: Kind::SignIn,
            by: Some(by),
            rules,
            ..Wish::default()
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, reply: &Reply) {
        who.take_tokens(&reply.json);
        who.used_refresh_token = wish.by.clone().map(|used| (used, who.refresh_token.clone()));
    }
}

/// A log-in.
pub(super) fn log_in(email: &str, password: &str) -> Wish {
    Wish {
        method: "POST",
        path: "/auth/login".to_owned(),
        body: Some(json!({"email": email, "password": password})),
        kind: Kind::SignIn,
        ..Wish::default()
    }
}
