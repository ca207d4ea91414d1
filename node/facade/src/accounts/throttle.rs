//! Slows down whoever guesses passwords: failures make an account wait, longer each time.
//!
//! Three budgets, the narrow one first: of an account from one address, of an account from everywhere, and of an address
//! over all accounts. Each is full again an hour after the last wait has ended, little by little: a busy address is not kept
//! out by slips of many people over a day. Whoever hammers an account from one address uses up only the first, so its owner still
//! gets in from his own. Only guesses from many addresses touch the second, which never makes anybody wait longer than a
//! minute. The second does not count for an account where it has lately logged in, and for the third there is a larger one,
//! of all who are at home at an address: who guesses at his colleagues has an end too, and they wait a minute at most.
//! Refresh tokens are not throttled at all. So guessing locks out nobody who has a session, nor anybody at an address of his own. Where there are
//! no such addresses, behind a proxy, the first budget makes nobody wait longer than a minute either.
//!
//! The counts are of this node, in memory. To replicate them, every failure would be an entry of the log that anybody
//! could write without an account; and a cluster of n nodes only lets through n times as many guesses, of which each node
//! verifies one at a time anyway. What is not known is counted as if it were: accounts that do not exist are throttled, and
//! take as long, as those that do.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use holdfast_raft::net::network_of;
use tokio::time::Instant;

/// The wait after the first failure that makes one wait; each further failure doubles it.
const WAIT_FIRST: Duration = Duration::from_secs(1);

/// Failures of an account from everywhere that make it wait: so many times those from one address.
const EVERYWHERE_FACTOR: u32 = 10;

/// Failures from one address at accounts that are at home there, before these wait: so many times those of others.
const AT_HOME_FACTOR: u32 = 10;

/// The longest wait of an account that is guessed at from everywhere, and of one that is at home.
const EVERYWHERE_WAIT_MAX: Duration = Duration::from_secs(60);

/// So long it takes, once nobody has to wait, until a budget that was used up is whole again, a failure at a time.
const DRAIN_DURATION: Duration = Duration::from_secs(3600);

/// All failures are forgotten so long after the last one, and its wait.
const FORGET_DURATION: Duration = Duration::from_secs(15 * 60);

/// For so long an address counts as one of the account's after a log-in.
const KNOWN_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Accounts and addresses that are remembered, in each of two halves: some megabytes. To make a node forget a half takes
/// as many failures, each of which takes it tens of milliseconds.
const REMEMBERED_MAX: usize = 50_000;

/// How many failures make somebody wait, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThrottleSettings {
    /// Of an account from one address; 0 throttles nobody.
    pub(crate) account_failures: u32,
    /// From one address, whatever the account; 0 is no limit.
    pub(crate) address_failures: u32,
    /// The longest wait.
    pub(crate) wait_max: Duration,
}

/// What a node remembers of log-ins that failed.
pub(crate) struct Throttle {
    settings: ThrottleSettings,
    hasher: RandomState,
    known: Mutex<Known>,
}

/// Who tries to log in, from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guess {
    pair: u64,
    account: u64,
    address: Option<u64>,
    /// The address again, for accounts that are at home there.
    home: Option<u64>,
}

#[derive(Default)]
struct Known {
    /// Failures by account and address, by account, and by address.
    failures: Halves<Failures>,
    /// Accounts and addresses from which they logged in, and until when that counts.
    at_home: Halves<Instant>,
}

#[derive(Clone, Copy)]
struct Failures {
    /// How long it took to forget them all, when the last one came.
    debt: Duration,
    last_at: Instant,
}

impl Throttle {
    pub(crate) fn new(settings: ThrottleSettings) -> Self {
        Self { settings, hasher: RandomState::new(), known: Mutex::default() }
    }

    /// Names an attempt. An account is what the caller wrote, whether or not there is one.
    pub(crate) fn guess(&self, account: &str, address: Option<IpAddr>) -> Guess {
        let address = address.map(network_of);
        Guess {
            pair: self.hasher.hash_one(("pair", account, address)),
            account: self.hasher.hash_one(("account", account)),
            address: address.map(|address| self.hasher.hash_one(("address", address))),
            home: address.map(|address| self.hasher.hash_one(("home", address))),
        }
    }

    /// How long this one has to wait; `None` if he may try now.
    pub(crate) fn wait(&self, guess: Guess) -> Option<Duration> {
        if self.settings.account_failures == 0 {
            return None;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let holds_not = if known.is_at_home(guess, now) { Holds::Away } else { Holds::AtHome };
        let budgets = self.budgets(guess);
        let waits = budgets.iter().flatten().filter(|budget| budget.holds != holds_not);
        let waits = waits.filter_map(|budget| {
            let failures = known.failures.get(budget.key)?;
            budget.wait(failures).checked_sub(now.duration_since(failures.last_at))
        });
        waits.max().filter(|wait| !wait.is_zero())
    }

    /// Notes what came of an attempt.
    pub(crate) fn note(&self, guess: Guess, is_right: bool) {
        if self.settings.account_failures == 0 {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if is_right {
            known.failures.remove(guess.pair);
            known.at_home.put(guess.pair, now + KNOWN_DURATION);
            return;
        }
        let is_at_home = known.is_at_home(guess, now);
        let budgets = self.budgets(guess);
        for budget in budgets.iter().flatten().filter(|budget| is_at_home || budget.holds != Holds::AtHome) {
            let failures = budget.one_more(known.failures.get(budget.key), now);
            known.failures.put(budget.key, failures);
        }
    }

    fn budgets(&self, guess: Guess) -> [Option<Budget>; 4] {
        let ThrottleSettings { account_failures, address_failures, wait_max } = self.settings;
        let everywhere = account_failures.saturating_mul(EVERYWHERE_FACTOR);
        let short = wait_max.min(EVERYWHERE_WAIT_MAX);
        let budget = |key, free, wait_max, holds| Budget { key, free, wait_max, holds };
        // Without a budget of its own an address says nothing: everybody may have it.
        let (has_addresses, at_home) =
            (address_failures > 0, address_failures.saturating_mul(AT_HOME_FACTOR));
        let of_pair = if has_addresses { wait_max } else { short };
        let (address, home) = (guess.address.filter(|_| has_addresses), guess.home.filter(|_| has_addresses));
        [
            Some(budget(guess.pair, account_failures, of_pair, Holds::Always)),
            Some(budget(guess.account, everywhere, short, Holds::Away)),
            address.map(|key| budget(key, address_failures, wait_max, Holds::Away)),
            home.map(|key| budget(key, at_home, short, Holds::AtHome)),
        ]
    }
}

impl Known {
    fn is_at_home(&self, guess: Guess, now: Instant) -> bool {
        self.at_home.get(guess.pair).is_some_and(|until| now < until)
    }
}

/// Whom a budget makes wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Always,
    /// Accounts that are not at home at the address.
    Away,
    /// Accounts that are; only guesses at them count.
    AtHome,
}

/// So many failures are free; each one more doubles the wait.
struct Budget {
    key: u64,
    free: u32,
    wait_max: Duration,
    holds: Holds,
}

impl Budget {
    /// How long it takes to forget one failure.
    fn drain(&self) -> Duration {
        DRAIN_DURATION / self.free.max(1)
    }

    fn one_more(&self, before: Option<Failures>, now: Instant) -> Failures {
        let left = before.map_or(Duration::ZERO, |before| {
            let elapsed = now.duration_since(before.last_at);
            let quiet = elapsed.saturating_sub(self.wait(before));
            if quiet >= FORGET_DURATION { Duration::ZERO } else { before.debt.saturating_sub(quiet) }
        });
        Failures { debt: left.saturating_add(self.drain()), last_at: now }
    }

    /// How many there were when the last one came; one that is half forgotten counts.
    fn count(&self, failures: Failures) -> u32 {
        let count = failures.debt.as_nanos().div_ceil(self.drain().as_nanos().max(1));
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn wait(&self, failures: Failures) -> Duration {
        match self.count(failures).checked_sub(self.free) {
            None => Duration::ZERO,
            Some(over) => {
                let doubled = 1_u32.checked_shl(over).filter(|_| over < u32::BITS);
                let wait = doubled.and_then(|factor| WAIT_FIRST.checked_mul(factor));
                wait.unwrap_or(self.wait_max).min(self.wait_max)
            }
        }
    }
}

/// A map of two halves: when the young one is full the old one is dropped whole.
struct Halves<V> {
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
}

impl<V> Default for Halves<V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<V: Copy> Halves<V> {
    fn get(&self, key: u64) -> Option<V> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    fn put(&mut self, key: u64, value: V) {
        if self.young.len() >= REMEMBERED_MAX && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn remove(&mut self, key: u64) {
        self.young.remove(&key);
        self.old.remove(&key);
    }
}
