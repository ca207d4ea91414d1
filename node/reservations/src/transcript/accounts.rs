//! The words of scripts for users, bans and apps.

use std::fmt::Write as _;

use super::{Arguments, CAST, number, role_named, user_named};
use crate::*;

/// Whoever shows a token of a version (`mia@2`) or a secret of an app (`app:6@1`).
pub(super) fn principal(who: &str) -> Option<Principal> {
    let (who, proof) = who.split_once('@')?;
    let proof = proof.parse().unwrap();
    Some(match CAST.iter().find(|(name, _)| *name == who) {
        Some((_, id)) => Principal::User { user: UserId(*id), token_version: proof },
        None => Principal::App { user: UserId(number(who)), secret: proof },
    })
}

pub(super) fn command(verbs: &[&str], given: &Arguments<'_>) -> Command {
    // A script names a secret by a letter; what is hashed does not matter here.
    let secret_hash = || [given.text("secret").unwrap().as_bytes()[0]; 32];
    let password_hash = given.text("password").unwrap_or_default().to_owned();
    match verbs {
        ["logs", "out"] => Command::LogOut(LogOut),
        ["gives", user, role] => {
            Command::GiveRole(GiveRole { user: user_named(user), role: role_named(role) })
        }
        ["sets", "role", "of", user, role] => {
            Command::SetRole(SetRole { user: user_named(user), role: role_named(role) })
        }
        ["sets", "password", "of", user] => {
            Command::SetPassword(SetPassword { user: user_named(user), password_hash })
        }
        ["bans", user] => {
            let reason = given.text("reason").unwrap_or_default().to_owned();
            Command::BanUser(BanUser { user: user_named(user), reason })
        }
        ["unbans", user] => Command::LiftBan(LiftBan { user: user_named(user) }),
        ["creates", "user"] => Command::CreateUser(CreateUser {
            email: given.text("email").unwrap().into(),
            name: String::new(),
            password_hash,
            role: role_named(given.text("role").unwrap_or("guest")),
        }),
        ["creates", "app"] => {
            let name = given.text("name").unwrap_or_default().to_owned();
            Command::CreateApp(CreateApp { name, secret_hash: secret_hash() })
        }
        ["adds", "to", app] => {
            Command::AddAppSecret(AddAppSecret { app: user_named(app), secret_hash: secret_hash() })
        }
        ["revokes", secret, "of", app] => Command::RevokeAppSecret(RevokeAppSecret {
            app: user_named(app),
            secret: number(secret).try_into().unwrap(),
        }),
        ["deletes", app] => Command::DeleteApp(DeleteApp { app: user_named(app) }),
        _ => panic!("unknown action: {verbs:?}"),
    }
}

pub(super) fn describe_account(id: UserId, account: &Account) -> String {
    let mut line = format!("{id} {}", format!("{:?}", account.role).to_lowercase());
    if let Some(Ban { reason, banned_at, banned_by }) = &account.ban {
        write!(line, " banned at={} by={banned_by} reason={reason}", banned_at.0).unwrap();
    }
    line
}

pub(super) fn describe_app(id: UserId, app: &App) -> String {
    let secrets = app.secrets.iter().map(|secret| secret.number.to_string()).collect::<Vec<_>>();
    format!("app {id} secrets={}", secrets.join(","))
}
