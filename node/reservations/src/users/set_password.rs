//! Gives a user another password.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::users::{self, User};

/// Gives a user another password: his own, once the node has verified the old one, or an operator anybody's. Whoever
/// knew the old one is logged out everywhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPassword {
    /// Whose.
    pub user: UserId,
    /// The salted hash of the password to be.
    pub password_hash: String,
}

impl SetPassword {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        if actor.user != self.user && !actor.role.operates() {
            return Err(Rejection::UserNotFound(self.user).into());
        }
        let user = users::find_person(context, self.user)?;
        context.put(self.user, User { password_hash: self.password_hash.clone(), ..(*user).clone() });
        users::revoke_tokens(context, self.user);
        users::changed(context, self.user)
    }
}

/// Leaves the password hash out, so that no log can show it.
impl std::fmt::Debug for SetPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetPassword").field("user", &self.user).finish_non_exhaustive()
    }
}
