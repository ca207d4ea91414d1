//! Callers of seeds S2 and S3, who have no log-in: they say who they are, and are believed if the operator says so. With
//! a token, what they say must be what the token says.

use holdfast_raft::Consistency;
use holdfast_reservations::{
    Ban, Command, DeclareUser, Outcome, Principal, ReadTyped as _, RequestId, Role, User, UserId,
    user_by_alias,
};
use tokio::time::Instant;

use crate::access::{self, Endpoint};
use crate::http::key_named;
use crate::problem::{Problem, Result, unexpected};
use crate::service::{CallContext, Caller, Service};
use crate::wire::id_in;

/// Longest name that a client brings along.
const ALIAS_BYTES_MAX: usize = 64;

/// Whoever calls a seed without a log-in.
pub(crate) enum Named {
    Known(Caller),
    /// He says who he is for the first time.
    New {
        alias: String,
        endpoint: Endpoint,
    },
}

impl Named {
    /// The caller, unless he is new.
    pub(crate) fn known(&self) -> Option<Caller> {
        match self {
            Self::Known(caller) => Some(*caller),
            Self::New { .. } => None,
        }
    }
}

impl Service {
    /// Whether callers are believed who they say they are.
    pub(crate) fn trusts_declared_identity(&self) -> bool {
        self.settings().trust_declared_identity
    }

    /// Whoever calls: by his token, which must be of the user he names, or by his word. Nobody is made known by it.
    pub(crate) async fn named(
        &self,
        endpoint: Endpoint,
        token: Option<&str>,
        alias: Option<&str>,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Named> {
        if token.is_some() {
            let caller = self.admit(endpoint, token, deadline).await?;
            return match alias {
                Some(alias) if !self.is_alias_of(alias, caller.user)? => Err(Problem::forbidden()),
                Some(_) | None => Ok(Named::Known(caller)),
            };
        }
        if !self.trusts_declared_identity() {
            return Err(Problem::unauthenticated("a token is missing: Authorization: Bearer ..."));
        }
        let alias = alias.ok_or_else(|| Problem::unauthenticated("who calls is missing"))?;
        let is_alias = (1..=ALIAS_BYTES_MAX).contains(&alias.len())
            && alias.bytes().all(|letter| letter.is_ascii_graphic() && letter != b'@');
        if !is_alias {
            let detail = format!("a user id has 1 to {ALIAS_BYTES_MAX} visible letters of ASCII");
            return Err(Problem::malformed(detail));
        }
        match self.user_called(alias, consistency, deadline).await? {
            Some(user) => self.believed(endpoint, user).map(Named::Known),
            None if access::allows(endpoint, Role::Guest) => {
                Ok(Named::New { alias: alias.to_owned(), endpoint })
            }
            None => Err(Problem::forbidden()),
        }
    }

    /// Makes whoever calls known, if he is new. For calls that are worth it: what they ask for can be tried.
    pub(crate) async fn introduce(&self, named: Named, deadline: Instant) -> Result<Caller> {
        match named {
            Named::Known(caller) => Ok(caller),
            Named::New { alias, endpoint } => {
                let user = self.declare(alias, deadline).await?;
                self.believed(endpoint, user)
            }
        }
    }

    fn believed(&self, endpoint: Endpoint, user: UserId) -> Result<Caller> {
        let caller = self.declared(endpoint, user)?;
        self.limits().count_user(user)?;
        Ok(caller)
    }

    /// The user a client calls so. Whoever is unknown here may just be new.
    async fn user_called(
        &self,
        alias: &str,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Option<UserId>> {
        // A node that has just started may not know its newest users.
        self.replica().recovered(deadline).await?;
        if let Some(known) = self.look(|view| user_by_alias(view, alias))? {
            return Ok(Some(known));
        }
        Ok(self.read(consistency, deadline, |view| user_by_alias(view, alias)).await?.value)
    }

    async fn declare(&self, alias: String, deadline: Instant) -> Result<UserId> {
        let key = key_named("declared user", &alias);
        let call = CallContext { id: RequestId { key, payload_hash: 0 }, deadline };
        let declare = DeclareUser { alias, name: String::new() };
        match self.submit(Principal::Internal, Command::DeclareUser(declare), &call).await? {
            (Outcome::User(id, _), _) => Ok(id),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Whether a client that calls somebody so means this user: by the user's id, or by the name he goes by.
    fn is_alias_of(&self, alias: &str, user: UserId) -> Result<bool> {
        if id_in(alias) == Some(user.0) {
            return Ok(true);
        }
        Ok(self.look(|view| user_by_alias(view, alias))? == Some(user))
    }

    fn declared(&self, endpoint: Endpoint, user: UserId) -> Result<Caller> {
        let known = self.look(|view| (view.row::<User>(user), view.row::<Ban>(user).is_some()))?;
        match known {
            (_, true) => {
                Err(Problem::new(401, "banned", "this account is banned; an operator can lift the ban"))
            }
            (None, false) => Err(Problem::unauthenticated("there is no such user")),
            (Some(row), false) => Caller::declared(endpoint, user, &row),
        }
    }
}
