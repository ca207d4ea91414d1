//! How many calls a user, and a network address, may make in a second.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use holdfast_raft::net::network_of;
use holdfast_reservations::UserId;
use tokio::time::Instant;

use crate::problem::{Problem, Result};

/// After so many calls whoever has been quiet is forgotten: an allowance unused for a second is whole again anyway.
const CALLS_BETWEEN_SWEEPS: u32 = 10_000;

/// Who is at the other end of a connection. Put into every request by the listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) IpAddr);

/// The limits of a node.
pub(crate) struct Limits {
    users: Option<PerSecond<UserId>>,
    addresses: Option<PerSecond<IpAddr>>,
}

impl Limits {
    /// Calls a second for each user and each address; 0 is no limit.
    pub(crate) fn new(user_rate: u32, address_rate: u32) -> Self {
        Self { users: PerSecond::new(user_rate), addresses: PerSecond::new(address_rate) }
    }

    /// Counts a call of a user.
    pub(crate) fn count_user(&self, user: UserId) -> Result<()> {
        self.users.as_ref().map_or(Ok(()), |limit| limit.count(&user, "limits.user_rate"))
    }

    /// Counts a call from an address.
    pub(crate) fn count_address(&self, remote: Option<&Remote>) -> Result<()> {
        match (&self.addresses, remote) {
            (Some(limit), Some(Remote(address))) => limit.count(&network_of(*address), "limits.address_rate"),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, SharedClock, NoOpMiddleware<Nanos>>;

struct PerSecond<K: Hash + Eq + Clone> {
    limiter: Keyed<K>,
    calls: AtomicU32,
}

impl<K: Hash + Eq + Clone> PerSecond<K> {
    fn new(rate: u32) -> Option<Self> {
        let quota = Quota::per_second(NonZeroU32::new(rate)?);
        let (store, clock) = (HashMapStateStore::default(), SharedClock { started_at: Instant::now() });
        Some(Self { limiter: RateLimiter::new(quota, store, clock), calls: AtomicU32::new(0) })
    }

    fn count(&self, key: &K, setting: &str) -> Result<()> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % CALLS_BETWEEN_SWEEPS == CALLS_BETWEEN_SWEEPS - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|_| {
            Problem::new(
                429,
                "rate_limited",
                format!("too many calls in this second ({setting}); nothing was done"),
            )
        })
    }
}

/// The clock of the runtime, which tests and the simulator control.
#[derive(Clone, Debug)]
struct SharedClock {
    started_at: Instant,
}

impl Clock for SharedClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.started_at.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refused_of_ten(limits: &Limits, user: u64) -> usize {
        (0..10).filter(|_| limits.count_user(UserId(user)).is_err()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_has_an_allowance_that_comes_back_in_a_second() {
        let limits = Limits::new(3, 0);
        assert_eq!(refused_of_ten(&limits, 1), 7);
        assert_eq!(refused_of_ten(&limits, 2), 7, "another user has his own");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(refused_of_ten(&limits, 1), 7);
        let refused = limits.count_user(UserId(1)).unwrap_err();
        assert_eq!((refused.status, refused.code, refused.retry_after()), (429, "rate_limited", Some(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_quiet_are_forgotten() {
        let limit = PerSecond::new(1).unwrap();
        for user in 0..u64::from(CALLS_BETWEEN_SWEEPS) - 1 {
            assert!(limit.count(&UserId(user), "").is_ok());
        }
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(limit.count(&UserId(0), "").is_ok());
        assert_eq!(limit.limiter.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_home_has_one_allowance_whichever_of_its_addresses_it_calls_from() {
        let limits = Limits::new(0, 3);
        let is_refused = |text: &str| limits.count_address(Some(&Remote(text.parse().unwrap()))).is_err();
        let refused = (0..10).filter(|host| is_refused(&format!("2001:db8::{host:x}"))).count();
        assert_eq!(refused, 7);
        assert!(!is_refused("2001:db8:0:1::1"), "the neighbours have their own");
    }

    #[test]
    fn without_a_rate_nobody_is_limited() {
        let limits = Limits::new(0, 0);
        assert_eq!(refused_of_ten(&limits, 1), 0);
        assert!(limits.count_address(Some(&Remote(IpAddr::from([127, 0, 0, 1])))).is_ok());
    }
}
