//! Deletes an app.

use serde::{Deserialize, Serialize};

use crate::apps;
use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::rows::{Key, ReadTyped as _};
use crate::users::User;

/// Deletes an app with all its secrets. Its user stays, as a guest who cannot log in: bookings name him. Operators only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteApp {
    /// Which app.
    pub app: UserId,
}

impl DeleteApp {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        apps::find(context, self.app)?;
        context.delete(Key::App(self.app));
        if let Some(user) = context.row::<User>(self.app) {
            context.put(self.app, User { role: Role::Guest, ..(*user).clone() });
        }
        Ok(Outcome::AppDeleted(self.app))
    }
}
