//! Logs in again, and refreshes a session.

use serde_json::json;

use super::{Kind, Operation, Park, Person, Wish};
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
        take_tokens(who, reply);
    }
}

pub(super) struct Refresh;

impl Operation for Refresh {
    fn name(&self) -> &'static str {
        "refresh"
    }

    fn draw(&self, who: &Person, _: &Park, _: &mut Chance) -> Option<Wish> {
        Some(Wish {
            method: "POST",
            path: "/auth/refresh".to_owned(),
            body: Some(json!({"refreshToken": who.refresh_token})),
            kind: Kind::SignIn,
            request: None,
        })
    }

    fn learn(&self, who: &mut Person, _: &Park, _: &Wish, reply: &Reply) {
        take_tokens(who, reply);
    }
}

/// A log-in.
pub(super) fn log_in(email: &str, password: &str) -> Wish {
    Wish {
        method: "POST",
        path: "/auth/login".to_owned(),
        body: Some(json!({"email": email, "password": password})),
        kind: Kind::SignIn,
        request: None,
    }
}

fn take_tokens(who: &mut Person, reply: &Reply) {
    let text = |name: &str| reply.json[name].as_str().map(str::to_owned);
    if let (Some(token), Some(refresh_token)) = (text("accessToken"), text("refreshToken")) {
        (who.token, who.refresh_token) = (token, refresh_token);
    }
}
