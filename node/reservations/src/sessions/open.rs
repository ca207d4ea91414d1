//! Opens a session for a user whose password was verified: what logging in was at first.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::rows::ReadTyped as _;
use crate::sessions;
use crate::users::{self, User};

/// Opens a session. Its refusals are remembered for the key, as they were when logs were written that hold this command;
/// nobody proposes it any more. See [`crate::LogIn`]. Internal: proposed by the node that verified the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// Whose.
    pub user: UserId,
    /// The user's token version when the password was verified: it rises with the password.
    pub token_version: u32,
}

impl OpenSession {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        if context.row::<User>(self.user).is_none_or(|user| user.token_version != self.token_version) {
            return Err(Rejection::SessionInvalid.into());
        }
        if users::is_banned(context, self.user) {
            return Err(Rejection::Banned.into());
        }
        sessions::open_one(context, self.user)
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
            at 0 olga bans mia
            at 1 mia opens session key=a
            at 1 mia@1 opens session key=b
            at 2 olga unbans mia
            at 3 mia@1 opens session key=b
            at 3 mia@1 opens session key=c
            ",
            &expect![[r#"
                olga bans mia -> user:3 guest banned at=0 by=user:1 reason=
                mia opens session key=a -> session_invalid
                mia@1 opens session key=b -> banned
                olga unbans mia -> user:3 guest
                mia@1 opens session key=b -> banned
                mia@1 opens session key=c -> session:1 sequence=0
            "#]],
        );
    }
}
