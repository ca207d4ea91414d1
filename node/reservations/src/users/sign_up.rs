//! Signs a guest up.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::users::{self, User};

/// Makes a guest. Anybody may.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    /// The address to sign in with, in lower case.
    pub email: String,
    /// What the guest is called.
    pub name: String,
    /// The salted hash of the password: hashed at the edge, so that no password is ever in the log.
    pub password_hash: String,
}

impl SignUp {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        if users::by_email(context, &self.email).is_some() {
            return Err(Rejection::EmailTaken.into());
        }

        let user = User {
            email: self.email.clone(),
            name: self.name.clone(),
            password_hash: self.password_hash.clone(),
            role: Role::Guest,
            token_version: 0,
            created_at: context.now,
        };
        let profile = user.profile();
        let id = users::insert(context, user)?;
        Ok(Outcome::User(id, profile))
    }
}

/// Leaves the password hash out, so that no log can show it.
impl std::fmt::Debug for SignUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignUp").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn an_address_signs_up_once() {
        check(
            "
            at 0 nobody signs up email=zoe@example.com
            at 0 nobody signs up email=zoe@example.com
            ",
            &expect![[r#"
                nobody signs up email=zoe@example.com -> user:6 guest
                nobody signs up email=zoe@example.com -> email_taken
            "#]],
        );
    }
}
