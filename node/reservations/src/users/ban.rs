//! Bans users, and lifts bans.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::{Key, ReadTyped as _};
use crate::time::Timestamp;
use crate::users::{self, User};

/// That a user may not sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Why, in the operator's words.
    pub reason: String,
    /// Since when.
    pub banned_at: Timestamp,
    /// By whom.
    pub banned_by: UserId,
}

/// Keeps a user from acting: from the next command on none of his tokens counts, nor any secret of an app, and he cannot
/// log in. What he has booked stays. A second ban gives another reason. Operators only, and not the last of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanUser {
    /// Who.
    pub user: UserId,
    /// Why, in the operator's words.
    pub reason: String,
}

/// Lets a banned user log in again; his old tokens stay void. Nothing happens to a user who is not banned. Operators only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftBan {
    /// Who.
    pub user: UserId,
}

impl BanUser {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(Role::operates)?;
        let user = context.row::<User>(self.user).ok_or(Rejection::UserNotFound(self.user))?;
        let before = users::operates(context, self.user, user.role);
        context.count_operator_but_the_last(before, false.into())?;
        let (reason, banned_at, banned_by) = (self.reason.clone(), context.now, actor.user);
        context.put(self.user, Ban { reason, banned_at, banned_by });
        users::revoke_tokens(context, self.user);
        users::changed(context, self.user)
    }
}

impl LiftBan {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let user = context.row::<User>(self.user).ok_or(Rejection::UserNotFound(self.user))?;
        let before = users::operates(context, self.user, user.role);
        context.delete(Key::Ban(self.user));
        context.count_operator(before, user.role.operates().into());
        users::changed(context, self.user)
    }
}
