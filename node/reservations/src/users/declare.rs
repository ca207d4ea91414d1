//! Makes a user of somebody who only says who he is: seeds S2 and S3 have no log-in.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::rows::{ReadRows, ReadTyped as _};
use crate::users::{self, User};

/// Makes the guest who goes by a name that clients bring along, if he is not there yet. Internal: proposed by a node
/// whose operator trusts what callers declare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclareUser {
    /// What clients call him.
    pub alias: String,
    /// What he is called, if that is known.
    pub name: String,
}

impl DeclareUser {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        if let Some((id, user)) =
            by_alias(context, &self.alias).and_then(|id| Some((id, context.row::<User>(id)?)))
        {
            return Ok(Outcome::User(id, user.profile()));
        }
        let user = User {
            email: address_of(&self.alias),
            name: self.name.clone(),
            password_hash: String::new(),
            role: Role::Guest,
            token_version: 0,
            created_at: context.now,
        };
        let profile = user.profile();
        let id = users::insert(context, user)?;
        Ok(Outcome::User(id, profile))
    }
}

/// The user who goes by a name that clients bring along.
pub fn by_alias(rows: &(impl ReadRows + ?Sized), alias: &str) -> Option<UserId> {
    users::by_email(rows, &address_of(alias))
}

/// What clients call a user, if he only says who he is.
#[must_use]
pub fn alias_of(email: &str) -> Option<&str> {
    email.strip_prefix(PREFIX)
}

/// No address that somebody signs up with begins like this: it has no `@` before it.
const PREFIX: &str = "declared:";

fn address_of(alias: &str) -> String {
    format!("{PREFIX}{alias}")
}
