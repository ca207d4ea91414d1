//! The one service behind HTTP and gRPC: knows the caller, proposes his commands, reads what he may see.

mod accounts;
mod bookings;
mod catalog;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use holdfast_raft::{ClusterStatus, Consistency, Read, Replica, View};
use holdfast_reservations::{
    Command, Outcome, Principal, ReadTyped as _, Request, RequestId, Revision, Role, Timestamp, User, UserId,
};
use tokio::time::Instant;

use crate::access::{self, Endpoint};
use crate::accounts::keys::Keys;
use crate::accounts::passwords::Passwords;
use crate::accounts::tokens::{Access, Tokens};
use crate::codes::Codes;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::problem::{Problem, Result, success};

pub(crate) use accounts::TokenPair;
pub(crate) use bookings::BookingFilter;

/// What an operator may change.
#[derive(Clone, Debug)]
pub struct FacadeSettings {
    /// How long an access token is valid.
    pub access_token_seconds: u64,
    /// How long a call may take if its caller does not say.
    pub deadline: Duration,
    /// Where clients find this cluster, for instance `https://tickets.example.com`; the node's own address if `None`.
    pub public_url: Option<String>,
    /// Calls a second of one user; 0 is no limit.
    pub user_rate: u32,
    /// Calls a second from one network address; 0 is no limit.
    pub address_rate: u32,
}

/// Longest time a caller may wait.
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(10);

/// Users whose role is remembered between two changes of any user.
const USERS_KNOWN_MAX: usize = 100_000;

impl Default for FacadeSettings {
    fn default() -> Self {
        Self {
            access_token_seconds: 900,
            deadline: Duration::from_secs(5),
            public_url: None,
            user_rate: 0,
            address_rate: 0,
        }
    }
}

/// The service. Clones are the same.
#[derive(Clone)]
pub struct Service {
    parts: Arc<Parts>,
}

struct Parts {
    replica: Replica,
    keys: Arc<Keys>,
    tokens: Tokens,
    codes: Codes,
    passwords: Passwords,
    limits: Limits,
    metrics: Metrics,
    settings: FacadeSettings,
    users: Mutex<Users>,
}

/// What is remembered of users, and of which epoch that is.
#[derive(Default)]
struct Users {
    epoch: u64,
    known: HashMap<UserId, (u32, Role)>,
}

/// What every call brings along.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    /// Names the call for retries.
    pub(crate) id: RequestId,
    /// Nobody waits any longer.
    pub(crate) deadline: Instant,
}

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
}

impl Service {
    /// A service over a replica that signs with a node's key.
    #[must_use]
    pub fn new(
        replica: Replica,
        signing_key: SigningKey,
        key_generation: u32,
        metrics: Metrics,
        settings: FacadeSettings,
    ) -> Self {
        let cluster = replica.identity().cluster.to_string();
        let keys = Arc::new(Keys::new(signing_key, key_generation, replica.clone()));
        let tokens = Tokens::new(keys.clone(), cluster.clone(), settings.access_token_seconds);
        let codes = Codes::new(keys.clone(), cluster);
        let (passwords, users) = (Passwords::new(), Mutex::default());
        let limits = Limits::new(settings.user_rate, settings.address_rate);
        let parts = Parts { replica, keys, tokens, codes, passwords, limits, metrics, settings, users };
        Self { parts: Arc::new(parts) }
    }

    /// The replica behind it.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.parts.replica
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.parts.metrics
    }

    pub(crate) fn settings(&self) -> &FacadeSettings {
        &self.parts.settings
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.parts.keys
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    pub(crate) fn codes(&self) -> &Codes {
        &self.parts.codes
    }

    /// Where clients find this cluster, without a slash at the end.
    pub(crate) fn public_url(&self) -> String {
        if let Some(url) = &self.parts.settings.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let ClusterStatus { node, nodes, .. } = self.parts.replica.cluster();
        let own = nodes.into_iter().find(|known| known.id == node);
        own.map_or_else(String::new, |own| format!("http://{}", own.client_address))
    }

    /// HOST:PORT of the leader, if one is known.
    pub(crate) fn leader_address(&self) -> Option<String> {
        let ClusterStatus { leadership, nodes, .. } = self.parts.replica.cluster();
        let leader = leadership.leader?;
        nodes.into_iter().find(|node| node.id == leader).map(|node| node.client_address)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.replica.agreed_time()
    }

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
        let caller = self.caller(access, deadline).await?;
        if access::allows(endpoint, caller.role) { Ok(caller) } else { Err(Problem::forbidden()) }
    }

    /// As [`Service::admit`], from what this node knows: for calls that must be answered without a quorum.
    pub(crate) async fn admit_here(
        &self,
        endpoint: Endpoint,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Caller> {
        let access =
            self.parts.tokens.verify_access(token.ok_or_else(no_token)?, self.now(), deadline).await?;
        let known = self.known_user(access.user)?.filter(|(version, _)| *version == access.token_version);
        let (_, role) = known.ok_or_else(revoked)?;
        let caller = Caller { user: access.user, role, token_version: access.token_version };
        if access::allows(endpoint, role) { Ok(caller) } else { Err(Problem::forbidden()) }
    }

    /// The user of a token as he is now. Somebody unknown here may just be new: that is asked of the leader.
    async fn caller(&self, access: Access, deadline: Instant) -> Result<Caller> {
        let Access { user, token_version, .. } = access;
        let is_current = |(version, _): &(u32, Role)| *version == token_version;
        if let Some((_, role)) = self.known_user(user)?.filter(is_current) {
            return Ok(Caller { user, role, token_version });
        }
        let read =
            self.parts.replica.read(Consistency::Linearizable, deadline, |view| user_row(view, user)).await?;
        match read.value.filter(is_current) {
            Some((_, role)) => Ok(Caller { user, role, token_version }),
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

    /// Proposes a command and waits for what it comes to.
    pub(crate) async fn submit(
        &self,
        principal: Principal,
        command: Command,
        call: &CallContext,
    ) -> Result<(Outcome, Revision)> {
        let request = Request { id: Some(call.id), principal, command };
        let applied = self.parts.replica.propose(&request, call.deadline).await?;
        Ok((success(applied.outcome, applied.revision)?, applied.revision))
    }

    /// Reads the agreed state.
    pub(crate) async fn read<T>(
        &self,
        consistency: Consistency,
        deadline: Instant,
        with: impl FnOnce(&View<'_>) -> T,
    ) -> Result<Read<T>> {
        Ok(self.parts.replica.read(consistency, deadline, with).await?)
    }

    pub(crate) fn cluster(&self) -> ClusterStatus {
        self.parts.replica.cluster()
    }
}

fn no_token() -> Problem {
    Problem::unauthenticated("this call needs `Authorization: Bearer ACCESS_TOKEN`")
}

fn revoked() -> Problem {
    Problem::unauthenticated("the token was revoked; log in again")
}

fn user_row(view: &View<'_>, user: UserId) -> Option<(u32, Role)> {
    view.row::<User>(user).map(|user| (user.token_version, user.role))
}
