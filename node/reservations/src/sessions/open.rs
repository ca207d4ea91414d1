//! Opens a session for a user whose password was verified.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome};
use crate::sessions::{self, SESSIONS_MAX};

/// Opens a session. Internal: proposed by the node that verified the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// Whose.
    pub user: UserId,
}

impl OpenSession {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
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
