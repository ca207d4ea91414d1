//! Users: who can sign in, and what they may do.

pub mod ban;
pub mod change_role;
pub mod create;
pub mod create_operator;
pub mod declare;
pub mod give_role;
pub mod set_password;
pub mod set_role;
pub mod sign_up;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use ban::{Ban, BanUser, LiftBan};
pub use change_role::ChangeRole;
pub use create::CreateUser;
pub use create_operator::CreateOperator;
pub use declare::{DeclareUser, alias_of, by_alias};
pub use give_role::GiveRole;
pub use set_password::SetPassword;
pub use set_role::SetRole;
pub use sign_up::SignUp;

use crate::apps::App;
use crate::context::Context;
use crate::counters::Operates;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row};
use crate::sessions;
use crate::time::Timestamp;

/// Somebody who can sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The address he signs in with, in lower case.
    pub email: String,
    /// What he is called.
    pub name: String,
    /// The salted hash of his password, as a PHC string.
    pub password_hash: String,
    /// What he may do.
    pub role: Role,
    /// Tokens that carry another version are void.
    pub token_version: u32,
    /// When he signed up.
    pub created_at: Timestamp,
}

/// What others may know of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProfile {
    /// The address he signs in with.
    pub email: String,
    /// What he is called.
    pub name: String,
    /// What he may do.
    pub role: Role,
}

impl User {
    /// What others may know.
    #[must_use]
    pub fn profile(&self) -> UserProfile {
        UserProfile { email: self.email.clone(), name: self.name.clone(), role: self.role }
    }

    /// Whether he has a password to log in with.
    #[must_use]
    pub fn can_log_in(&self) -> bool {
        !self.password_hash.is_empty()
    }
}

/// A user as operators, and he himself, see him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The address he signs in with.
    pub email: String,
    /// What he is called.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// When he signed up.
    pub created_at: Timestamp,
    /// Why he may not sign in, if he may not.
    pub ban: Option<Ban>,
}

/// Leaves the password hash out, so that no log can show it.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("role", &self.role)
            .field("token_version", &self.token_version)
            .finish_non_exhaustive()
    }
}

/// The user who signs in with an address (in lower case).
pub fn by_email(rows: &(impl ReadRows + ?Sized), email: &str) -> Option<UserId> {
    match rows.get(&Key::UserByEmail(email.to_owned())) {
        Some(Row::UserByEmail(id)) => Some(id),
        _ => None,
    }
}

/// A user as operators see him.
pub fn account(rows: &(impl ReadRows + ?Sized), id: UserId) -> Option<Account> {
    let user = rows.row::<User>(id)?;
    let ban = rows.row::<Ban>(id).map(|ban| (*ban).clone());
    let User { email, name, role, created_at, .. } = &*user;
    Some(Account { email: email.clone(), name: name.clone(), role: *role, created_at: *created_at, ban })
}

/// At most `limit` users below an id, newest first.
pub fn list(rows: &(impl ReadRows + ?Sized), before: UserId, limit: usize) -> Vec<(UserId, Account)> {
    let found = rows.scan(Key::User(UserId(0))..Key::User(before), Order::Descending, limit).into_iter();
    let accounts = found.filter_map(|(key, _)| {
        let Key::User(id) = key else { return None };
        Some((id, account(rows, id)?))
    });
    accounts.collect()
}

/// Whether a user is banned.
pub(crate) fn is_banned(rows: &(impl ReadRows + ?Sized), id: UserId) -> bool {
    rows.get(&Key::Ban(id)).is_some()
}

/// Whether a user of a role may operate the cluster.
fn operates(rows: &impl ReadRows, id: UserId, role: Role) -> Operates {
    (role.operates() && !is_banned(rows, id)).into()
}

/// The row of a user who is no app.
fn find_person(context: &Context<'_>, id: UserId) -> Result<Arc<User>, Halt> {
    let user = context.row::<User>(id).ok_or(Rejection::UserNotFound(id))?;
    expect_no_app(context, id)?;
    Ok(user)
}

/// Refuses the user of an app: his role is fixed, and secrets are what he has for a password.
fn expect_no_app(context: &Context<'_>, id: UserId) -> Result<(), Halt> {
    match context.row::<App>(id) {
        Some(_) => Err(Rejection::UserIsApp(id).into()),
        None => Ok(()),
    }
}

/// Voids all tokens of a user, and ends his sessions.
pub(crate) fn revoke_tokens(context: &mut Context<'_>, id: UserId) {
    sessions::end_all(context, id);
    if let Some(user) = context.row::<User>(id) {
        let token_version = user.token_version.saturating_add(1);
        context.put(id, User { token_version, ..(*user).clone() });
    }
}

/// A user after a command has changed him.
fn changed(context: &Context<'_>, id: UserId) -> Result<Outcome, Halt> {
    let account = account(context, id).ok_or(Rejection::UserNotFound(id))?;
    Ok(Outcome::Account(id, account))
}

/// Writes a new user. The caller has checked that the address is free.
fn insert(context: &mut Context<'_>, user: User) -> Result<UserId, Halt> {
    let id = context.next_user()?;
    insert_at(context, id, user);
    Ok(id)
}

/// Writes a new user under an id that was taken for him.
pub(crate) fn insert_at(context: &mut Context<'_>, id: UserId, user: User) {
    context.set(Key::UserByEmail(user.email.clone()), Row::UserByEmail(id));
    context.put(id, user);
}
