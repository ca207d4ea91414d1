//! Makes the first operator of a cluster.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::rows::ReadTyped as _;
use crate::users::{self, User};

/// Makes an operator, or makes the user of that address one. Internal: proposed once by the node that founds a
/// cluster; a second proposal changes nothing more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateOperator {
    /// The address to sign in with, in lower case.
    pub email: String,
    /// What the operator is called.
    pub name: String,
    /// The salted hash of the password.
    pub password_hash: String,
}

impl CreateOperator {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        if let Some(id) = users::by_email(context, &self.email)
            && let Some(user) = context.row::<User>(id)
        {
            let user = User { role: Role::Operator, ..(*user).clone() };
            let profile = user.profile();
            context.put(id, user);
            return Ok(Outcome::User(id, profile));
        }

        let user = User {
            email: self.email.clone(),
            name: self.name.clone(),
            password_hash: self.password_hash.clone(),
            role: Role::Operator,
            token_version: 0,
            created_at: context.now,
        };
        let profile = user.profile();
        let id = users::create(context, user)?;
        Ok(Outcome::User(id, profile))
    }
}

/// Leaves the password hash out, so that no log can show it.
impl std::fmt::Debug for CreateOperator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateOperator").finish_non_exhaustive()
    }
}
