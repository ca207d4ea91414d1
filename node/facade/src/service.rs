//! The one service behind HTTP and gRPC: knows the caller, proposes his commands, reads what he may see.

mod accounts;
mod apps;
mod bookings;
mod callers;
mod catalog;
mod cluster;
mod dead_letters;
mod declared;
mod entrance;
mod events;
mod jobs;
mod links;
mod payments;
mod policies;
mod recipients;
mod reports;
pub(crate) mod s1;
mod s2;
mod s3;
mod seats;
#[cfg(test)]
mod stolen_keys;
mod users;
mod webhooks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast_raft::{ClusterStatus, Consistency, Read, Replica, SystemClock, View, WallClock};
use holdfast_reservations::{Command, Edition, Outcome, Principal, Request, RequestId, Revision, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::accounts::keys::Keys;
use crate::accounts::passwords::Passwords;
use crate::accounts::throttle::{Throttle, ThrottleSettings};
use crate::accounts::tokens::Tokens;
use crate::codes::Codes;
use crate::http::{Bodies, payload_hash};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::problem::{Problem, Result, success};
use crate::service::callers::Users;
use crate::watch::{Bounds, Tail};

pub(crate) use apps::{AppView, MadeSecret};
pub(crate) use bookings::{BookingFilter, as_of};
pub(crate) use callers::{Asked, Caller};
pub(crate) use catalog::{SlotView, counts_at};
pub(crate) use declared::Named;
pub(crate) use entrance::{BookingCode, Version};
pub(crate) use jobs::{JobView, Taken, wait_end};
pub(crate) use payments::WebhookHead;
use payments::WebhookSecret;
pub(crate) use reports::{Figures, ResourceReport, SlotReport, Span};
pub(crate) use s2::{Reader, SeatJob, SeatWithHolder, SeatsOfEvent, Standing};
pub(crate) use s3::{DatedEvent, NO_SLOT, TOO_MANY_TICKETS, Tickets, TypeOnSale, Wish, is_general, no_event};
pub(crate) use seats::{SeatView, SeatsOf};
pub(crate) use users::{NewUser, PasswordChange};

/// What an operator may change.
#[derive(Clone, Debug)]
pub struct FacadeSettings {
    /// How long an access token is valid.
    pub access_token_seconds: u64,
    /// How long a call may take if its caller does not say; ten seconds at most.
    pub deadline: Duration,
    /// Where clients find this cluster, for instance `https://tickets.example.com`; the node's own address if `None`.
    pub public_url: Option<String>,
    /// Clients speak TLS to this node: the URLs it gives out say so.
    pub is_secured: bool,
    /// Calls a second of one user; 0 is no limit.
    pub user_rate: u32,
    /// Calls a second from one network address; 0 is no limit.
    pub address_rate: u32,
    /// Wrong passwords for an account from one address before it has to wait; 0 throttles nobody.
    pub account_failures: u32,
    /// Wrong passwords from one address, whatever the account, before it has to wait; 0 is no limit.
    pub address_failures: u32,
    /// The longest such wait.
    pub log_in_wait_max: Duration,
    /// Seeds S2 and S3 have no log-in: whether callers are believed who they say they are.
    pub trust_declared_identity: bool,
    /// What payment providers sign with, as Standard Webhooks write it (`whsec_...`), each in turn.
    pub payment_webhook_secrets: Vec<String>,
    /// Whether webhooks may be plain HTTP, and at addresses that are not public.
    pub allow_private_webhooks: bool,
}

/// Longest time a caller may wait.
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(10);

/// Long lists that are written at once, each with some hundred KiB; beyond this the answer is "overloaded".
pub(crate) const LONG_LISTS_MAX: usize = 64;

impl Default for FacadeSettings {
    fn default() -> Self {
        Self {
            access_token_seconds: 900,
            deadline: Duration::from_secs(5),
            public_url: None,
            is_secured: false,
            user_rate: 0,
            address_rate: 0,
            account_failures: 5,
            address_failures: 100,
            log_in_wait_max: Duration::from_secs(900),
            trust_declared_identity: false,
            payment_webhook_secrets: Vec::new(),
            allow_private_webhooks: false,
        }
    }
}

impl FacadeSettings {
    fn clamped(self) -> Self {
        Self { deadline: self.deadline.min(DEADLINE_MAX), ..self }
    }
}

/// The service. Clones are the same.
#[derive(Clone)]
pub struct Service {
    parts: Arc<Parts>,
}

struct Parts {
    replica: Replica,
    clock: Arc<dyn WallClock>,
    keys: Arc<Keys>,
    tokens: Tokens,
    codes: Codes,
    passwords: Passwords,
    throttle: Arc<Throttle>,
    bodies: Bodies,
    limits: Limits,
    metrics: Metrics,
    settings: FacadeSettings,
    payment_secrets: Vec<WebhookSecret>,
    /// As of which change of policies anybody is admitted at a rate, or nobody.
    rates: Mutex<Option<(u64, bool)>>,
    users: Mutex<Users>,
    long_lists: Arc<Semaphore>,
    tail: Arc<Tail>,
}

/// What every call brings along.
#[derive(Clone, Debug)]
pub(crate) struct CallContext {
    /// Names the call for retries.
    pub(crate) id: RequestId,
    /// Nobody waits any longer.
    pub(crate) deadline: Instant,
}

impl CallContext {
    /// The same call, recognised by these parts instead of its body: what it is recognised by is kept for a day, and from
    /// a fast hash of a body with a password in it the password could be guessed.
    pub(crate) fn with_payload(&self, call: &str, parts: &[&str]) -> Self {
        let parts: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
        let payload_hash = payload_hash("without password", call, parts.concat().as_bytes());
        Self { id: RequestId { payload_hash, ..self.id }, ..*self }
    }
}

impl Service {
    /// A service over a replica, whose node's key it signs with.
    #[must_use]
    pub fn new(replica: Replica, metrics: Metrics, settings: FacadeSettings) -> Self {
        Self::with_clock(replica, Arc::new(SystemClock), metrics, settings)
    }

    /// As [`Service::new`], on a machine with another wall clock than the operating system's.
    #[must_use]
    pub fn with_clock(
        replica: Replica,
        clock: Arc<dyn WallClock>,
        metrics: Metrics,
        settings: FacadeSettings,
    ) -> Self {
        Self::with_bounds(replica, clock, metrics, settings, Bounds::default())
    }

    /// As [`Service::with_clock`], with other limits on those who watch.
    pub(crate) fn with_bounds(
        replica: Replica,
        clock: Arc<dyn WallClock>,
        metrics: Metrics,
        settings: FacadeSettings,
        bounds: Bounds,
    ) -> Self {
        let settings = settings.clamped();
        let cluster_id = replica.identity().cluster;
        let cluster = cluster_id.to_string();
        let tail = Tail::new(replica.clone(), metrics.clone(), bounds);
        let keys = Arc::new(Keys::new(replica.clone(), metrics.clone()));
        let tokens = Tokens::new(keys.clone(), cluster.clone(), settings.access_token_seconds);
        let codes = Codes::new(keys.clone(), cluster_id.0, cluster);
        let limits = Limits::new(settings.user_rate, settings.address_rate);
        let throttle = Throttle::new(ThrottleSettings {
            account_failures: settings.account_failures,
            address_failures: settings.address_failures,
            wait_max: settings.log_in_wait_max,
        });
        let parts = Parts {
            replica,
            clock,
            keys,
            tokens,
            codes,
            passwords: Passwords::new(),
            throttle: Arc::new(throttle),
            bodies: Bodies::new(),
            limits,
            metrics,
            payment_secrets: secrets_in(&settings.payment_webhook_secrets),
            settings,
            rates: Mutex::default(),
            users: Mutex::default(),
            long_lists: Arc::new(Semaphore::new(LONG_LISTS_MAX)),
            tail,
        };
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

    /// What payment providers sign with.
    fn payment_secrets(&self) -> &[WebhookSecret] {
        &self.parts.payment_secrets
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.parts.keys
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    pub(crate) fn throttle(&self) -> &Arc<Throttle> {
        &self.parts.throttle
    }

    pub(crate) fn bodies(&self) -> &Bodies {
        &self.parts.bodies
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
        let scheme = if self.parts.settings.is_secured { "https" } else { "http" };
        own.map_or_else(String::new, |own| format!("{scheme}://{}", own.client_address))
    }

    /// HOST:PORT of the leader, if one is known.
    pub(crate) fn leader_address(&self) -> Option<String> {
        let ClusterStatus { leadership, nodes, .. } = self.parts.replica.cluster();
        let leader = leadership.leader?;
        nodes.into_iter().find(|node| node.id == leader).map(|node| node.client_address)
    }

    /// What has lately happened here.
    pub(crate) fn tail(&self) -> &Arc<Tail> {
        &self.parts.tail
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.replica.agreed_time()
    }

    /// A place among the long lists that are written; each keeps it until its reader has all of it.
    pub(crate) async fn place_for_long_list(&self, deadline: Instant) -> Result<OwnedSemaphorePermit> {
        match timeout_at(deadline, self.parts.long_lists.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Problem::overloaded("too many long lists are being read")),
        }
    }

    /// Proposes a command and waits for what it comes to.
    pub(crate) async fn submit(
        &self,
        principal: Principal,
        command: Command,
        call: &CallContext,
    ) -> Result<(Outcome, Revision)> {
        if call.deadline <= Instant::now() {
            // What nobody waits for any more is not even tried.
            return Err(Problem::overloaded("no time was left to begin; nothing was done"));
        }
        self.expect_known(&command, call.deadline).await?;
        let request = Request { id: Some(call.id), principal, command };
        let applied = self.parts.replica.propose(&request, call.deadline).await?;
        Ok((success(applied.outcome, applied.revision)?, applied.revision))
    }

    /// Refuses a command that some node's program may not know.
    async fn expect_known(&self, command: &Command, deadline: Instant) -> Result<()> {
        let needed = command.needs();
        let counts = |view: &View<'_>| Edition::of(view) >= needed;
        // What was adopted stays so; that it was not yet, this node may only have to hear.
        if needed == Edition::FIRST
            || self.look(counts)?
            || self.read(Consistency::Linearizable, deadline, counts).await?.value
        {
            return Ok(());
        }
        Err(Problem::new(
            503,
            "edition_too_old",
            "this begins when every node of the cluster runs a version that knows it: upgrade all nodes; nothing was done",
        ))
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
}

/// Whether a text is what payment providers sign with, as Standard Webhooks write it.
#[must_use]
pub fn is_webhook_secret(text: &str) -> bool {
    WebhookSecret::parse(text).is_some()
}

fn secrets_in(texts: &[String]) -> Vec<WebhookSecret> {
    texts.iter().filter_map(|text| WebhookSecret::parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_lets_a_call_take_longer_than_is_promised() {
        let deadline = |seconds| {
            let deadline = Duration::from_secs(seconds);
            FacadeSettings { deadline, ..FacadeSettings::default() }.clamped().deadline.as_secs()
        };
        assert_eq!((deadline(3), deadline(3600), deadline(u64::MAX)), (3, 10, 10));
    }
}
