//! Gives a user another role: as it was at first.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::ReadTyped as _;
use crate::users::{self, User};

/// Gives a user another role, from his next command on, even if nobody is left to operate the cluster, as it did when
/// logs were written that hold this command; nobody proposes it any more. See [`crate::SetRole`]. Operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRole {
    /// Who.
    pub user: UserId,
    /// The role to be.
    pub role: Role,
}

impl ChangeRole {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let Some(user) = context.row::<User>(self.user) else {
            return Err(Rejection::UserNotFound(self.user).into());
        };

        users::expect_no_app(context, self.user)?;
        let (before, after) =
            (users::operates(context, self.user, user.role), users::operates(context, self.user, self.role));
        context.count_operator(before, after);
        let user = User { role: self.role, ..(*user).clone() };
        let profile = user.profile();
        context.put(self.user, user);
        Ok(Outcome::User(self.user, profile))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_role_counts_from_the_next_command() {
        check(
            "
            at 0 mia creates venue name=Mine
            at 0 mia makes mia operator
            at 0 olga makes mia operator
            at 0 mia creates venue name=Mine
            at 0 olga makes mia guest
            at 0 mia creates venue name=Another
            at 0 olga makes user:99 guest
            ",
            &expect![[r#"
                mia creates venue name=Mine -> forbidden
                mia makes mia operator -> forbidden
                olga makes mia operator -> user:3 operator
                mia creates venue name=Mine -> venue:2 [venue.created]
                olga makes mia guest -> user:3 guest
                mia creates venue name=Another -> forbidden
                olga makes user:99 guest -> user_not_found user:99
            "#]],
        );
    }
}
