//! Gives a user another role.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::users::{self, User};

/// Gives a user another role, from his next command on. Operators only, and not the last of them for himself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRole {
    /// Who.
    pub user: UserId,
    /// The role to be.
    pub role: Role,
}

impl SetRole {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let user = users::find_person(context, self.user)?;
        let before = users::operates(context, self.user, user.role);
        let after = users::operates(context, self.user, self.role);
        context.count_operator_but_the_last(before, after)?;
        context.put(self.user, User { role: self.role, ..(*user).clone() });
        users::changed(context, self.user)
    }
}
