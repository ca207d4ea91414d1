//! Gives a user a role that he can act in.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::users::{self, User};

/// Gives a user another role, from his next command on; that of an operator only to somebody who can log in. Operators
/// only, and not the last of them for himself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveRole {
    /// Who.
    pub user: UserId,
    /// The role to be.
    pub role: Role,
}

impl GiveRole {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let user = users::find_person(context, self.user)?;
        if self.role.operates() && !user.can_log_in() {
            return Err(Rejection::NoPassword.into());
        }
        let before = users::operates(context, self.user, user.role);
        let after = users::operates(context, self.user, self.role);
        context.count_operator_but_the_last(before, after)?;
        context.put(self.user, User { role: self.role, ..(*user).clone() });
        users::changed(context, self.user)
    }
}
