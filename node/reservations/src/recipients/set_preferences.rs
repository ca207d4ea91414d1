//! Says what a user wants to be told, and how.

use serde::{Deserialize, Serialize};

use super::Preferences;
use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome};
use crate::recipients::{self, Recipient};

/// Says what a user wants to be told, and how; it counts for events from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPreferences {
    /// Whose; the caller's if not said.
    pub user: Option<UserId>,
    /// All he prefers: what is not said is as for somebody who has said nothing.
    pub preferences: Preferences,
}

impl SetPreferences {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let user = recipients::owner(context, self.user)?;
        let preferences = self.preferences.clone();
        let recipient = Recipient { preferences: preferences.clone(), ..recipients::of(context, user) };
        context.put(user, recipient);
        Ok(Outcome::Preferences(user, preferences))
    }
}
