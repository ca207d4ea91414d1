//! Who calls: known by his token, judged by his row.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::PoisonError;

use holdfast_raft::{Consistency, Read, View, WallClock};
use holdfast_reservations::{Principal, ReadRows, ReadTyped as _, Role, Timestamp, User, UserId};
use tokio::time::Instant;

use crate::access::{self, Endpoint};
use crate::accounts::tokens::Access;
use crate::problem::{Problem, Result};
use crate::service::Service;

/// Users whose role is remembered between two changes of any user.
const USERS_KNOWN_MAX: usize = 100_000;

/// Somebody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) user: UserId,
    pub(crate) role: Role,
    token_version: u32,
}

impl Caller {
    pub(crate) fn principal(self) -> Principal {
        Principal::User { user: self.user, token_version: self.token_version }
    }

    /// The same caller as he is in these rows, unless they void his token.
    pub(super) fn seen_in(self, rows: &impl ReadRows) -> Result<Self> {
        let is_current = |(version, _): &(u32, Role)| *version == self.token_version;
        let (_, role) = user_row(rows, self.user).filter(is_current).ok_or_else(revoked)?;
        Ok(Self { role, ..self })
    }

    #[cfg(test)]
    pub(super) fn remembered(user: UserId, role: Role) -> Self {
        Self { user, role, token_version: 0 }
    }
}

/// What is remembered of users, and of which epoch that is.
#[derive(Default)]
pub(super) struct Users {
    epoch: u64,
    known: HashMap<UserId, (u32, Role)>,
}

impl Service {
    /// The caller behind a bearer token, if he may make this call, which is counted.
    pub(crate) async fn admit(
        &self,
        endpoint: Endpoint,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Caller> {
        let caller = self.identify(endpoint, token, deadline).await?;
        self.limits().count_user(caller.user)?;
        Ok(caller)
    }

    /// The caller behind a bearer token, if he may make this call.
    pub(crate) async fn identify(
        &self,
        endpoint: Endpoint,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Caller> {
        // A node that has just started may not know the time, nor the newest users.
        self.parts.replica.recovered(deadline).await?;
        let access =
            self.parts.tokens.verify_access(token.ok_or_else(no_token)?, self.now(), deadline).await?;
        self.caller(endpoint, access, deadline).await
    }

    /// As [`Service::admit`], from what this node knows: for calls that must be answered without a quorum.
    pub(crate) async fn admit_here(
        &self,
        endpoint: Endpoint,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Caller> {
        let token = token.ok_or_else(no_token)?;
        let access = self.parts.tokens.verify_access(token, self.time_here().await, deadline).await?;
        let known = self.known_user(access.user)?.filter(|(version, _)| *version == access.token_version);
        let (_, role) = known.ok_or_else(revoked)?;
        let caller = Caller { user: access.user, role, token_version: access.token_version };
        if access::allows(endpoint, role) { Ok(caller) } else { Err(Problem::forbidden()) }
    }

    /// What tokens are judged by without a quorum. A node that has just started may not know how late it is: until it
    /// has heard, its wall clock counts if that is later.
    async fn time_here(&self) -> Timestamp {
        let no_wait = Instant::now();
        let is_recovered = self.parts.replica.recovered(no_wait).await.is_ok();
        time_to_judge_by(is_recovered, self.now(), &*self.parts.clock)
    }

    /// The user of a token, if he may make this call. Whoever is unknown here may just be new, and whoever may not may
    /// just have been given his role: nobody is refused for what only this node does not know yet.
    async fn caller(&self, endpoint: Endpoint, access: Access, deadline: Instant) -> Result<Caller> {
        let Access { user, token_version, .. } = access;
        let is_current = |(version, _): &(u32, Role)| *version == token_version;
        let is_allowed = |(_, role): &(u32, Role)| access::allows(endpoint, *role);
        if let Some((_, role)) = self.known_user(user)?.filter(is_current).filter(is_allowed) {
            return Ok(Caller { user, role, token_version });
        }
        let read =
            self.parts.replica.read(Consistency::Linearizable, deadline, |view| user_row(view, user)).await?;
        match read.value.filter(is_current) {
            Some((_, role)) if access::allows(endpoint, role) => Ok(Caller { user, role, token_version }),
            Some(_) => Err(Problem::forbidden()),
            None => Err(revoked()),
        }
    }

    fn known_user(&self, user: UserId) -> Result<Option<(u32, Role)>> {
        // Taken first: a change that comes while we look makes what we saw one of an older epoch.
        let epoch = self.parts.metrics.users_epoch();
        let lock = || self.parts.users.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut users = lock();
            if users.epoch != epoch || users.known.len() >= USERS_KNOWN_MAX {
                users.known.clear();
                users.epoch = epoch;
            }
            if let Some(known) = users.known.get(&user) {
                return Ok(Some(*known));
            }
        }
        let (seen, _) = self.parts.replica.look(|view| user_row(view, user))?;
        if let Some(seen) = seen {
            let mut users = lock();
            if users.epoch == epoch {
                users.known.insert(user, seen);
            }
        }
        Ok(seen)
    }

    /// Reads what depends on who asks. The caller is judged in the moment that is read: a role he has lost by then no
    /// longer opens anything, however late this node heard of it.
    pub(crate) async fn read_as<T>(
        &self,
        caller: Caller,
        consistency: Consistency,
        deadline: Instant,
        with: impl FnOnce(&View<'_>, Caller) -> Result<T>,
    ) -> Result<Read<T>> {
        let with = |view: &View<'_>| with(view, caller.seen_in(view)?);
        let Read { value, index, age } = self.read(consistency, deadline, with).await?;
        Ok(Read { value: value?, index, age })
    }
}

fn time_to_judge_by(is_recovered: bool, agreed: Timestamp, clock: &dyn WallClock) -> Timestamp {
    if is_recovered { agreed } else { agreed.max(Timestamp(clock.now_ms())) }
}

fn no_token() -> Problem {
    Problem::unauthenticated("this call needs `Authorization: Bearer ACCESS_TOKEN`")
}

fn revoked() -> Problem {
    Problem::unauthenticated("the token was revoked; log in again")
}

fn user_row(rows: &impl ReadRows, user: UserId) -> Option<(u32, Role)> {
    rows.row::<User>(user).map(|user| (user.token_version, user.role))
}
