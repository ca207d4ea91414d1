//! Ends a user's sessions: what logging out was at first.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::outcome::{Halt, Outcome};
use crate::sessions;

/// Ends every session of the caller. His access tokens count on until they expire, as they did when logs were written
/// that hold this command; nobody proposes it any more. See [`crate::LogOut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseSessions;

impl CloseSessions {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        sessions::end_all(context, actor.user);
        Ok(Outcome::SessionsClosed(actor.user))
    }
}
