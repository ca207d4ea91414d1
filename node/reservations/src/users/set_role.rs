//! Gives a user another role: as it was before passwords mattered.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::users::{self, User};

/// Gives a user another role, even that of an operator to somebody who has no password to log in with, as it did when
/// logs were written that hold this command; nobody proposes it any more. See [`crate::GiveRole`]. Operators only, and
/// not the last of them for himself.
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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn what_a_log_holds_comes_to_what_it_came_to() {
        check(
            "
            at 0 olga creates user email=a@example.com
            at 0 olga sets role of user:6 operator
            at 0 olga sets role of olga guest
            ",
            &expect![[r#"
                olga creates user email=a@example.com -> user:6 guest
                olga sets role of user:6 operator -> user:6 operator
                olga sets role of olga guest -> user:1 guest
            "#]],
        );
    }
}
