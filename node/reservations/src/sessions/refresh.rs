//! Trades a refresh token for the next one.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::SessionId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::rows::ReadTyped as _;
use crate::sessions::{self, Session};

/// Trades the newest refresh token of a session for the next one. A token that was used before has been stolen, or
/// its thief has been: the session ends. Internal: proposed by the node that verified the token's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshSession {
    /// Of which session.
    pub session: SessionId,
    /// The number of the token.
    pub sequence: u64,
}

impl RefreshSession {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let Some(session) = context.row::<Session>(self.session) else {
            return Err(Rejection::SessionInvalid.into());
        };
        if session.expires_at <= context.now {
            return Err(Rejection::SessionInvalid.into());
        }
        if session.sequence != self.sequence {
            // The one answer that changes something while it denies: so it is an outcome, not a refusal.
            sessions::end(context, self.session, session.user);
            return Ok(Outcome::Rejected(Rejection::SessionInvalid));
        }
        sessions::renew(context, self.session, session.user, session.sequence.saturating_add(1))
    }
}
