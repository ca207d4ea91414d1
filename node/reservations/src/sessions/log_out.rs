//! Logs a user out everywhere.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::outcome::{Halt, Outcome};
use crate::users;

/// Ends every session of the caller, and voids his access tokens too: who logs out at one device because another was
/// stolen is safe from the next request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOut;

impl LogOut {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        users::revoke_tokens(context, actor.user);
        Ok(Outcome::SessionsClosed(actor.user))
    }
}
