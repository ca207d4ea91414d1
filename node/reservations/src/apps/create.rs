//! Makes an app.

use serde::{Deserialize, Serialize};

use crate::apps::{self, APPS_MAX, App};
use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::users::{self, User};

/// Makes an app with its first secret. Operators only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateApp {
    /// What the app is called.
    pub name: String,
    /// The hash of its first secret.
    pub secret_hash: [u8; 32],
}

impl CreateApp {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(Role::operates)?;
        if apps::list(context, UserId(u64::MAX), APPS_MAX).len() >= APPS_MAX {
            return Err(Rejection::TooManyApps.into());
        }
        let app =
            App { created_at: context.now, created_by: actor.user, secrets: Vec::new(), secrets_made: 0 };
        let app = app.with_secret(self.secret_hash, context.now)?;

        let id = context.next_user()?;
        let user = User {
            // No address: nobody can sign up with it, nor log in.
            email: format!("app:{}", id.0),
            name: self.name.clone(),
            password_hash: String::new(),
            role: Role::App,
            token_version: 0,
            created_at: context.now,
        };
        users::insert_at(context, id, user);
        context.put(id, app.clone());
        Ok(Outcome::App(id, app))
    }
}

/// Leaves the hash out.
impl std::fmt::Debug for CreateApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateApp").field("name", &self.name).finish_non_exhaustive()
    }
}
