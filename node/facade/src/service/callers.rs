//! Who calls: known by his token, judged by his row.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use holdfast_raft::{Consistency, Read, View, WallClock};
use holdfast_reservations::{
    App, Ban, Outcome, Principal, ReadRows, ReadTyped as _, RequestKey, Role, Timestamp, User, UserId,
    answered,
};
use tokio::time::Instant;

use crate::access::{self, Endpoint};
use crate::accounts::credentials::Credential;
use crate::accounts::tokens::Access;
use crate::problem::{Problem, Result};
use crate::service::{CallContext, Service};

/// Users whose role is remembered between two changes of any user.
const USERS_KNOWN_MAX: usize = 100_000;

/// Somebody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) user: UserId,
    pub(crate) role: Role,
    principal: Principal,
    /// What he was let in for.
    endpoint: Endpoint,
}

impl Caller {
    pub(crate) fn principal(self) -> Principal {
        self.principal
    }

    /// Somebody who says who he is, and is believed.
    pub(super) fn declared(endpoint: Endpoint, user: UserId, row: &User) -> Result<Self> {
        if !access::allows(endpoint, row.role) {
            return Err(Problem::forbidden());
        }
        let principal = Principal::User { user, token_version: row.token_version };
        Ok(Self { user, role: row.role, principal, endpoint })
    }

    /// The same caller as he is in these rows, unless they void what he showed, or his role no longer lets him in.
    pub(super) fn seen_in(self, rows: &impl ReadRows) -> Result<Self> {
        let (_, role) = self.principal.acting_in(rows).ok_or_else(revoked)?;
        if access::allows(self.endpoint, role) {
            Ok(Self { role, ..self })
        } else {
            Err(Problem::forbidden())
        }
    }

    #[cfg(test)]
    pub(super) fn remembered(user: UserId, role: Role, endpoint: Endpoint) -> Self {
        Self { user, role, principal: Principal::User { user, token_version: 0 }, endpoint }
    }
}

/// How something is to be read: for whom, how current, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    pub(crate) consistency: Consistency,
    pub(crate) deadline: Instant,
}

/// What is remembered of users, and of which epoch that is.
#[derive(Default)]
pub(super) struct Users {
    epoch: u64,
    known: HashMap<UserId, Standing>,
}

/// What there is to know of a user to let him in.
#[derive(Clone)]
struct Standing {
    token_version: u32,
    role: Role,
    /// If it is an app that is not banned.
    app: Option<Arc<App>>,
}

/// What a caller shows of himself, once it is known to be ours.
#[derive(Clone, Copy)]
enum Shown {
    Token(Access),
    Credential(Credential),
}

impl Standing {
    fn of(rows: &impl ReadRows, user: UserId) -> Option<Self> {
        let row = rows.row::<User>(user)?;
        let app = match row.role {
            Role::App => rows.row::<App>(user).filter(|_| rows.row::<Ban>(user).is_none()),
            Role::Guest | Role::Staff | Role::Operator => None,
        };
        Some(Self { token_version: row.token_version, role: row.role, app })
    }
}

impl Shown {
    fn user(&self) -> UserId {
        match self {
            Self::Token(access) => access.user,
            Self::Credential(credential) => credential.app,
        }
    }

    fn principal(&self) -> Principal {
        match self {
            Self::Token(access) => Principal::User { user: access.user, token_version: access.token_version },
            Self::Credential(credential) => {
                Principal::App { user: credential.app, secret: credential.number }
            }
        }
    }

    fn counts(&self, standing: &Standing) -> bool {
        match self {
            Self::Token(access) => access.token_version == standing.token_version,
            Self::Credential(credential) => standing.app.as_ref().is_some_and(|app| credential.is_of(app)),
        }
    }
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
        let shown = self.shown(token, self.now(), deadline).await?;
        self.caller(endpoint, shown, deadline).await
    }

    /// As [`Service::admit`], from what this node knows: for calls that must be answered without a quorum.
    pub(crate) async fn admit_here(
        &self,
        endpoint: Endpoint,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Caller> {
        let shown = self.shown(token, self.time_here().await, deadline).await?;
        let known = self.known_user(shown.user())?.filter(|standing| shown.counts(standing));
        admitted(endpoint, &shown, known.ok_or_else(revoked)?.role)
    }

    /// Whose token it is, though it may have been revoked, if a call made with it could have been answered before.
    pub(super) async fn claimed(&self, token: Option<&str>, call: &CallContext) -> Result<Option<Principal>> {
        if matches!(call.id.key, RequestKey::Made(_)) {
            return Ok(None);
        }
        let shown = self.shown(token, self.now(), call.deadline).await?;
        Ok(match shown {
            Shown::Token(_) => Some(shown.principal()),
            // Whether it is right only its app's row says, which may be gone.
            Shown::Credential(_) => None,
        })
    }

    /// What came of a call that voided the very token it was made with, when it is made again. `named` says how such a
    /// call is recognised.
    pub(super) async fn answered_before(
        &self,
        token: Option<&str>,
        call: &CallContext,
        named: impl AsyncFnOnce() -> Result<CallContext>,
    ) -> Result<Option<Outcome>> {
        let Some(principal) = self.claimed(token, call).await? else { return Ok(None) };
        let CallContext { id, deadline } = named().await?;
        let find = |view: &View<'_>| answered(view, principal, id);
        let read = self.read(Consistency::Linearizable, deadline, find).await?;
        Ok(read.value.map(|(_, outcome)| outcome))
    }

    /// What a bearer token is, if it is ours. Whether it still counts, the rows say.
    async fn shown(&self, token: Option<&str>, now: Timestamp, deadline: Instant) -> Result<Shown> {
        let token = token.ok_or_else(no_token)?;
        if Credential::is_meant(token) {
            return Credential::parse(token).map(Shown::Credential).ok_or_else(mistyped);
        }
        self.parts.tokens.verify_access(token, now, deadline).await.map(Shown::Token)
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
    async fn caller(&self, endpoint: Endpoint, shown: Shown, deadline: Instant) -> Result<Caller> {
        let user = shown.user();
        if let Some(standing) = self.known_user(user)?.filter(|standing| shown.counts(standing))
            && let Ok(caller) = admitted(endpoint, &shown, standing.role)
        {
            return Ok(caller);
        }
        let find = |view: &View<'_>| Standing::of(view, user);
        let read = self.parts.replica.read(Consistency::Linearizable, deadline, find).await?;
        let standing = read.value.filter(|standing| shown.counts(standing)).ok_or_else(revoked)?;
        admitted(endpoint, &shown, standing.role)
    }

    fn known_user(&self, user: UserId) -> Result<Option<Standing>> {
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
                return Ok(Some(known.clone()));
            }
        }
        let (seen, _) = self.parts.replica.look(|view| Standing::of(view, user))?;
        if let Some(seen) = &seen {
            let mut users = lock();
            if users.epoch == epoch {
                users.known.insert(user, seen.clone());
            }
        }
        Ok(seen)
    }

    /// Makes sure that a caller may still do what he asks for. For what is neither a command, which the rules judge, nor a
    /// read: this node may not have heard yet that he was banned.
    pub(crate) async fn confirm(&self, caller: Caller, deadline: Instant) -> Result<()> {
        let asked = Asked { caller, consistency: Consistency::Linearizable, deadline };
        self.read_as(asked, |_, _| Ok(())).await.map(drop)
    }

    /// Reads what depends on who asks. The caller is judged in the moment that is read: a role he has lost by then no
    /// longer opens anything, however late this node heard of it.
    pub(crate) async fn read_as<T>(
        &self,
        asked: Asked,
        with: impl FnOnce(&View<'_>, Caller) -> Result<T>,
    ) -> Result<Read<T>> {
        let Asked { caller, consistency, deadline } = asked;
        let with = |view: &View<'_>| with(view, caller.seen_in(view)?);
        let Read { value, index, age } = self.read(consistency, deadline, with).await?;
        Ok(Read { value: value?, index, age })
    }
}

fn time_to_judge_by(is_recovered: bool, agreed: Timestamp, clock: &dyn WallClock) -> Timestamp {
    if is_recovered { agreed } else { agreed.max(Timestamp(clock.now_ms())) }
}

fn admitted(endpoint: Endpoint, shown: &Shown, role: Role) -> Result<Caller> {
    if access::allows(endpoint, role) {
        Ok(Caller { user: shown.user(), role, principal: shown.principal(), endpoint })
    } else {
        Err(Problem::forbidden())
    }
}

fn no_token() -> Problem {
    Problem::unauthenticated("this call needs `Authorization: Bearer ACCESS_TOKEN`, or an app's credential")
}

fn mistyped() -> Problem {
    Problem::unauthenticated("this is no credential of an app: a part is missing or mistyped")
}

fn revoked() -> Problem {
    Problem::unauthenticated("the token was revoked; log in again")
}
