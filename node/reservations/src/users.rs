//! Users: who can sign in, and what they may do.

pub mod change_role;
pub mod create_operator;
pub mod sign_up;

use serde::{Deserialize, Serialize};

pub use change_role::ChangeRole;
pub use create_operator::CreateOperator;
pub use sign_up::SignUp;

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::Halt;
use crate::principal::Role;
use crate::rows::{Key, ReadRows, Row};
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

/// Writes a new user. The caller has checked that the address is free.
fn create(context: &mut Context<'_>, user: User) -> Result<UserId, Halt> {
    let id = context.next_user()?;
    context.set(Key::UserByEmail(user.email.clone()), Row::UserByEmail(id));
    context.put(id, user);
    Ok(id)
}
