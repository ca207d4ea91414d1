//! Makes a user for somebody else.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::users::{self, User};

/// Makes a user: operators one of any role, apps a guest to book for. Without a password he cannot log in until an
/// operator gives him one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    /// The address to sign in with, in lower case.
    pub email: String,
    /// What the user is called.
    pub name: String,
    /// The salted hash of the password; empty for none.
    pub password_hash: String,
    /// What the user may do.
    pub role: Role,
}

impl CreateUser {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(Role::creates_users)?;
        if self.role != Role::Guest && !actor.role.operates() {
            return Err(Rejection::Forbidden.into());
        }
        if users::by_email(context, &self.email).is_some() {
            return Err(Rejection::EmailTaken.into());
        }
        let user = User {
            email: self.email.clone(),
            name: self.name.clone(),
            password_hash: self.password_hash.clone(),
            role: self.role,
            token_version: 0,
            created_at: context.now,
        };
        let id = users::insert(context, user)?;
        context.count_operator(false.into(), self.role.operates().into());
        users::changed(context, id)
    }
}

/// Leaves the password hash out, so that no log can show it.
impl std::fmt::Debug for CreateUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateUser").field("role", &self.role).finish_non_exhaustive()
    }
}
