//! Gives an app one more secret.

use serde::{Deserialize, Serialize};

use crate::apps;
use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome};

/// Gives an app one more secret; the others count on, so that an app can be moved to the new one at leisure. Operators
/// only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddAppSecret {
    /// Which app.
    pub app: UserId,
    /// The hash of the secret.
    pub secret_hash: [u8; 32],
}

impl AddAppSecret {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let app = apps::find(context, self.app)?;
        let app = (*app).clone().with_secret(self.secret_hash, context.now)?;
        context.put(self.app, app.clone());
        Ok(Outcome::App(self.app, app))
    }
}

/// Leaves the hash out.
impl std::fmt::Debug for AddAppSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddAppSecret").field("app", &self.app).finish_non_exhaustive()
    }
}
