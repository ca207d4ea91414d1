//! Apps: app servers with secrets that last, who book for customers of their own.

pub mod add_secret;
pub mod create;
pub mod delete;
pub mod revoke_secret;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use add_secret::AddAppSecret;
pub use create::CreateApp;
pub use delete::DeleteApp;
pub use revoke_secret::RevokeAppSecret;

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Contradiction, Halt, Rejection};
use crate::principal::Role;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};
use crate::time::Timestamp;

/// Secrets an app may have at a time: the one in use, the one it is being replaced with, and some to spare.
pub const SECRETS_MAX: usize = 5;

/// Apps a cluster may have: far more than there are app servers, few enough to count by looking.
const APPS_MAX: usize = 1000;

/// What makes a user an app: the row stands beside that of its user, whose id is the app's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// When it was made.
    pub created_at: Timestamp,
    /// By which operator.
    pub created_by: UserId,
    /// The secrets that count, oldest first.
    pub secrets: Vec<AppSecret>,
    /// How many secrets it ever had: the number of the next one is one more.
    pub secrets_made: u32,
}

/// One secret of an app. What the app shows is never stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSecret {
    /// Its number among the app's.
    pub number: u32,
    /// The SHA-256 hash of the secret, which is too long to be guessed: no slow hash is needed.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
}

impl App {
    /// The secret of a number, if it counts.
    #[must_use]
    pub fn secret(&self, number: u32) -> Option<&AppSecret> {
        self.secrets.iter().find(|secret| secret.number == number)
    }

    fn with_secret(mut self, hash: [u8; 32], created_at: Timestamp) -> Result<Self, Halt> {
        if self.secrets.len() >= SECRETS_MAX {
            return Err(Rejection::TooManySecrets.into());
        }
        self.secrets_made = self.secrets_made.checked_add(1).ok_or(Contradiction::Overflow)?;
        self.secrets.push(AppSecret { number: self.secrets_made, hash, created_at });
        Ok(self)
    }
}

/// Leaves the hash out.
impl std::fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppSecret").field("number", &self.number).finish_non_exhaustive()
    }
}

/// At most `limit` apps below an id, newest first.
pub fn list(rows: &(impl ReadRows + ?Sized), before: UserId, limit: usize) -> Vec<(UserId, Arc<App>)> {
    let found = rows.scan(Key::App(UserId(0))..Key::App(before), Order::Descending, limit).into_iter();
    let apps = found.filter_map(|(key, _)| {
        let Key::App(id) = key else { return None };
        Some((id, rows.row::<App>(id)?))
    });
    apps.collect()
}

/// The app of an id, for an operator.
fn find(context: &Context<'_>, id: UserId) -> Result<Arc<App>, Halt> {
    context.actor_who(Role::operates)?;
    context.row::<App>(id).ok_or_else(|| Rejection::AppNotFound(id).into())
}
