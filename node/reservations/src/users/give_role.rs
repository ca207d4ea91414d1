//! Gives a user a role that he can act in.

use serde::{Deserialize, Serialize};

use crate::context::{Actor, Context};
use crate::counters::Operates;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::{Key, Order, ReadRows as _, ReadTyped as _, Row};
use crate::users::{self, User};

/// Users looked at together when another operator is searched for.
const PAGE: usize = 1000;

/// Gives a user another role, from his next command on; that of an operator only to somebody who can log in. Operators
/// only, and not the last of them who can log in for himself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveRole {
    /// Who.
    pub user: UserId,
    /// The role to be.
    pub role: Role,
}

impl GiveRole {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor_who(Role::operates)?;
        let user = users::find_person(context, self.user)?;
        if self.role.operates() && !user.can_log_in() {
            return Err(Rejection::NoPassword.into());
        }
        let before = users::operates(context, self.user, user.role);
        let after = users::operates(context, self.user, self.role);
        context.count_operator_but_the_last(before, after)?;
        let is_demoted = (before, after) == (Operates::Yes, Operates::No);
        if is_demoted && !self.leaves_somebody(context, actor) {
            return Err(Rejection::LastOperator.into());
        }
        context.put(self.user, User { role: self.role, ..(*user).clone() });
        users::changed(context, self.user)
    }

    /// Whether another operator can log in: those whom older commands made perhaps cannot. Whoever demotes somebody else
    /// is one himself; who demotes himself, which is rare, is searched one for, until all operators were seen.
    fn leaves_somebody(&self, context: &Context<'_>, actor: Actor) -> bool {
        if actor.user != self.user && context.row::<User>(actor.user).is_some_and(|user| user.can_log_in()) {
            return true;
        }
        let (mut from, mut others) = (UserId(0), context.counters().operators);
        loop {
            let page = context.scan(Key::User(from)..Key::User(UserId(u64::MAX)), Order::Ascending, PAGE);
            let Some((Key::User(last), _)) = page.last() else { return false };
            from = UserId(last.0.saturating_add(1));
            for (key, row) in page {
                let (Key::User(id), Row::User(user)) = (key, row) else { continue };
                if id == self.user || users::operates(context, id, user.role) == Operates::No {
                    continue;
                }
                if user.can_log_in() {
                    return true;
                }
                others = others.saturating_sub(1);
                if others == 0 {
                    return false;
                }
            }
        }
    }
}
