//! Opens a session for a user whose password was verified.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::rows::ReadTyped as _;
use crate::sessions::{self, SESSIONS_MAX};
use crate::users::{self, User};

/// Opens a session. Internal: proposed by the node that verified the password.
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
        let open = sessions::of_user(context, self.user, SESSIONS_MAX);
        if open.len() >= SESSIONS_MAX
            && let Some(oldest) = open.first()
        {
            sessions::end(context, *oldest, self.user);
        }
        let id = context.next_session()?;
        sessions::renew(context, id, self.user, 0)
    }
}
