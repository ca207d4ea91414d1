//! Takes a secret from an app.

use serde::{Deserialize, Serialize};

use crate::apps;
use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};

/// Takes a secret from an app: it counts no more from the next command on. Operators only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeAppSecret {
    /// Which app.
    pub app: UserId,
    /// The number of the secret.
    pub secret: u32,
}

impl RevokeAppSecret {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let app = apps::find(context, self.app)?;
        if app.secret(self.secret).is_none() {
            return Err(Rejection::SecretNotFound(self.secret).into());
        }
        let mut app = (*app).clone();
        app.secrets.retain(|secret| secret.number != self.secret);
        context.put(self.app, app.clone());
        Ok(Outcome::App(self.app, app))
    }
}
