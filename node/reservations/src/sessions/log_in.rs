//! Logs in a user whose password was verified.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::rows::ReadTyped as _;
use crate::sessions;
use crate::users::{self, User};

/// Opens a session. A refusal says nothing of the next attempt under the same key: the ban may have been lifted by then.
/// Internal: proposed by the node that verified the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogIn {
    /// Who.
    pub user: UserId,
    /// The user's token version when the password was verified: it rises with the password.
    pub token_version: u32,
}

impl LogIn {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        if context.row::<User>(self.user).is_none_or(|user| user.token_version != self.token_version) {
            return Err(Rejection::Unauthenticated.into());
        }
        if users::is_banned(context, self.user) {
            return Err(Rejection::Suspended.into());
        }
        sessions::open_one(context, self.user)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn who_was_refused_for_a_ban_is_judged_anew_under_the_same_key() {
        check(
            "
            at 0 olga bans mia
            at 1 mia@1 logs in key=a
            at 2 olga unbans mia
            at 3 mia@1 logs in key=a
            at 4 mia@1 logs in key=a
            at 5 mia@0 logs in key=b
            at 5 mia@1 logs in key=b
            ",
            &expect![[r#"
                olga bans mia -> user:3 guest banned at=0 by=user:1 reason=
                mia@1 logs in key=a -> banned
                olga unbans mia -> user:3 guest
                mia@1 logs in key=a -> session:1 sequence=0
                mia@1 logs in key=a -> session:1 sequence=0
                mia@0 logs in key=b -> unauthenticated
                mia@1 logs in key=b -> session:2 sequence=0
            "#]],
        );
    }
}
