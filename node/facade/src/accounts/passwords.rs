//! Hashes and verifies passwords with argon2id, a few at a time: each takes tens of milliseconds and 19 MiB, and must
//! not starve anything else.

use std::net::IpAddr;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use holdfast_raft::net::{Share, Shares};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::problem::{Problem, Result};

/// Passwords worked on at the same time.
const AT_ONCE_MAX: usize = 1;

/// Newcomers whose passwords are worked on or waiting; beyond this they are turned away.
const NEWCOMERS_MAX: usize = 256;

/// Those of one network: it leaves places to others.
const NEWCOMERS_OF_NETWORK_MAX: usize = 64;

/// Those who log in from one network: it, too, leaves places to others.
const LOGINS_OF_NETWORK_MAX: usize = 64;

/// Passwords worked on and waiting; beyond this the answer is "overloaded".
const PLACES_MAX: usize = 256;

const SALT_BYTES: usize = 16;

/// What makes the hash of a password one of its own. No two users have the same; it is no secret.
pub(crate) type Salt = [u8; SALT_BYTES];

/// The workers.
#[derive(Clone)]
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    newcomers: Arc<Semaphore>,
    networks: Shares<IpAddr>,
    networks_that_log_in: Shares<IpAddr>,
    /// Whoever of the newcomers may stand in line with those who log in: one, so that these wait for one of them at most.
    turn: Arc<Semaphore>,
    /// Verified for users who do not exist, so that nobody can tell by the time it takes.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let decoy = hash("decoy", [0; SALT_BYTES]).unwrap_or_default().into();
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            places: semaphore(PLACES_MAX),
            workers: semaphore(AT_ONCE_MAX),
            newcomers: semaphore(NEWCOMERS_MAX),
            networks: Shares::new(NEWCOMERS_OF_NETWORK_MAX),
            networks_that_log_in: Shares::new(LOGINS_OF_NETWORK_MAX),
            turn: semaphore(1),
            decoy,
        }
    }

    /// The salted hash of a password, as a PHC string. Whoever brings the same salt again gets the same hash.
    pub(crate) async fn hash(&self, password: String, salt: Salt, deadline: Instant) -> Result<String> {
        self.work(deadline, move || hash(&password, salt)).await?
    }

    /// The same for somebody nobody knows: however many sign up, who logs in comes before all but one of them. Whoever
    /// shows no network is bounded only with all others.
    pub(crate) async fn hash_of_newcomer(
        &self,
        password: String,
        salt: Salt,
        network: Option<IpAddr>,
        deadline: Instant,
    ) -> Result<String> {
        self.work_for_newcomer(network, deadline, move || hash(&password, salt)).await?
    }

    /// Whether a password is the one of a hash; without a hash it is not. `admit` is asked when its turn has come, and
    /// `note` is told before the next one's: of many guesses made at once each sees what came of those before it.
    pub(crate) async fn verify(
        &self,
        password: String,
        known: Option<String>,
        network: Option<IpAddr>,
        deadline: Instant,
        admit: impl FnOnce() -> Result<()> + Send + 'static,
        note: impl FnOnce(bool) + Send + 'static,
    ) -> Result<bool> {
        let share = self.let_in(network)?;
        let decoy = self.decoy.clone();
        let verified = self.work(deadline, move || {
            let _held = share;
            admit()?;
            let hash = known.as_deref().unwrap_or(&decoy);
            let is_right = PasswordHash::new(hash)
                .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
            let is_right = is_right && known.is_some();
            note(is_right);
            Ok(is_right)
        });
        verified.await?
    }

    /// A share of the line for somebody of a network. Whoever shows none is bounded only with all others.
    pub(crate) fn let_in(&self, network: Option<IpAddr>) -> Result<Option<Share<IpAddr>>> {
        let full = || Problem::overloaded("too many log-ins from your network are waiting; nothing was done");
        network.map(|network| self.networks_that_log_in.enter(network).ok_or_else(full)).transpose()
    }

    async fn work_for_newcomer<T: Send + 'static>(
        &self,
        network: Option<IpAddr>,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let overloaded = || Problem::overloaded("too many sign-ups are waiting; nothing was done");
        let full =
            || Problem::overloaded("too many sign-ups from your network are waiting; nothing was done");
        let of_network = network.map(|network| self.networks.enter(network).ok_or_else(full)).transpose()?;
        let place = self.newcomers.clone().try_acquire_owned().map_err(|_| overloaded())?;
        let turn = timeout_at(deadline, self.turn.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| overloaded())?.map_err(|_| overloaded())?;
        let work = move || {
            let _held = (place, of_network, turn);
            work()
        };
        self.work(deadline, work).await
    }

    async fn work<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let overloaded = || Problem::overloaded("too many log-ins are waiting; nothing was done");
        let stopping = || Problem::overloaded("this node is stopping; nothing was done");
        let place = self.places.clone().try_acquire_owned().map_err(|_| overloaded())?;
        let worker = timeout_at(deadline, self.workers.clone().acquire_owned()).await;
        let worker = worker.map_err(|_| overloaded())?.map_err(|_| stopping())?;
        let work = move || {
            // Both are held until the work has ended, whether or not its caller is still there.
            let _held = (place, worker);
            work()
        };
        match cfg!(feature = "simulation") {
            // One thread is all there is.
            true => Ok(work()),
            false => tokio::task::spawn_blocking(work).await.map_err(|_| stopping()),
        }
    }
}

fn hash(password: &str, salt: Salt) -> Result<String> {
    let failed = |_| Problem::new(500, "internal", "the password cannot be hashed");
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(failed)
}

/// argon2id as OWASP recommends it.
#[cfg(not(feature = "simulation"))]
fn argon2() -> Argon2<'static> {
    Argon2::default()
}

/// As little of it as there can be: the simulator signs up thousands.
#[cfg(feature = "simulation")]
fn argon2() -> Argon2<'static> {
    let params = argon2::Params::new(argon2::Params::MIN_M_COST, 1, 1, None).unwrap_or_default();
    Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let (passwords, deadline) = (Passwords::new(), Instant::now() + 12 * PATIENCE);
        let verify = async |password: &str, known: Option<&str>| {
            passwords
                .verify(password.to_owned(), known.map(str::to_owned), None, deadline, || Ok(()), |_| ())
                .await
        };
        let hash = passwords.hash("open sesame".to_owned(), [1; SALT_BYTES], deadline).await.unwrap();
        let again = passwords.hash("open sesame".to_owned(), [2; SALT_BYTES], deadline).await.unwrap();
        assert_ne!(hash, again, "another salt");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify("open sesame", Some(&hash)).await, Ok(true));
        assert_eq!(verify("open sesam", Some(&hash)).await, Ok(false));
        assert_eq!(verify("decoy", None).await, Ok(false));
        assert_eq!(verify("x", Some("not a hash")).await, Ok(false));
    }

    #[tokio::test]
    async fn of_many_guesses_at_once_each_sees_what_came_of_those_before() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let (passwords, deadline) = (Passwords::new(), Instant::now() + 12 * PATIENCE);
        let failures = Arc::new(AtomicUsize::new(0));
        let guess = |_| {
            let (seen, counted) = (failures.clone(), failures.clone());
            let admit = move || match seen.load(Ordering::SeqCst) {
                0..3 => Ok(()),
                _ => Err(Problem::overloaded("enough")),
            };
            let note = move |is_right: bool| {
                counted.fetch_add(usize::from(!is_right), Ordering::SeqCst);
            };
            passwords.verify("x".to_owned(), None, None, deadline, admit, note)
        };
        let guesses = futures_util::future::join_all((0..10).map(guess)).await;
        assert_eq!(guesses.iter().filter(|guess| guess.is_ok()).count(), 3);
        assert_eq!(failures.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_frees_nothing_before_his_work_has_ended() {
        let passwords = Passwords::new();
        let free = || (passwords.places.available_permits(), passwords.workers.available_permits());
        let (start, started) = tokio::sync::oneshot::channel();
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let call = tokio::spawn({
            let passwords = passwords.clone();
            async move {
                let work = move || {
                    start.send(()).unwrap();
                    finished.recv().unwrap_or_default();
                };
                passwords.work(Instant::now() + PATIENCE, work).await
            }
        });
        started.await.unwrap();
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        assert_eq!(free(), (PLACES_MAX - 1, AT_ONCE_MAX - 1));
        drop(finish);
        assert_eq!(passwords.work(Instant::now() + PATIENCE, || 7).await, Ok(7));
        assert_eq!(free(), (PLACES_MAX, AT_ONCE_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_worker_beyond_his_deadline() {
        let passwords = Passwords::new();
        let _busy = passwords.workers.acquire_many(AT_ONCE_MAX as u32).await.unwrap();
        let started_at = Instant::now();
        let refused = passwords.work(started_at + PATIENCE, || ()).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (503, "overloaded"));
        assert_eq!(started_at.elapsed().as_secs(), PATIENCE.as_secs());
        assert_eq!(passwords.places.available_permits(), PLACES_MAX);
    }

    #[tokio::test]
    async fn who_logs_in_waits_for_one_newcomer_at_most() {
        let passwords = Passwords::new();
        let busy = passwords.workers.clone().acquire_many_owned(AT_ONCE_MAX as u32).await.unwrap();
        let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
        let deadline = Instant::now() + PATIENCE;
        let mut calls = tokio::task::JoinSet::new();
        for newcomer in 0..5 {
            let (passwords, done) = (passwords.clone(), done.clone());
            let work = move || done.send(Some(newcomer)).unwrap();
            calls.spawn(async move { passwords.work_for_newcomer(None, deadline, work).await });
        }
        tokio::task::yield_now().await;
        let (others, done) = (passwords.clone(), done.clone());
        calls.spawn(async move { others.work(deadline, move || done.send(None).unwrap()).await });
        tokio::task::yield_now().await;
        drop(busy);
        while let Some(call) = calls.join_next().await {
            assert_eq!(call.unwrap(), Ok(()));
        }
        order.close();
        let mut came = Vec::new();
        while let Some(who) = order.recv().await {
            came.push(who);
        }
        assert_eq!((came[0], came[1], came.len()), (Some(0), None, 6), "{came:?}");
        assert_eq!(passwords.newcomers.available_permits(), NEWCOMERS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn newcomers_take_no_place_of_those_who_log_in() {
        let passwords = Passwords::new();
        let _waiting = passwords.newcomers.acquire_many(NEWCOMERS_MAX as u32).await.unwrap();
        let refused = passwords.work_for_newcomer(None, Instant::now() + PATIENCE, || ()).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (503, "overloaded"));
        assert_eq!(passwords.work(Instant::now() + PATIENCE, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn one_network_leaves_places_to_others() {
        let passwords = Passwords::new();
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let sign_up = |network| passwords.work_for_newcomer(Some(network), Instant::now() + PATIENCE, || 7);
        let waiting: Vec<_> =
            (0..NEWCOMERS_OF_NETWORK_MAX).map(|_| passwords.networks.enter(here).unwrap()).collect();
        let refused = sign_up(here).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (503, "overloaded"));
        assert_eq!(sign_up(there).await, Ok(7));
        drop(waiting);
        assert_eq!(sign_up(here).await, Ok(7));
        assert!(passwords.networks.is_empty());
    }

    #[test]
    fn who_logs_in_from_one_network_leaves_places_in_the_line_to_others() {
        let passwords = Passwords::new();
        let from = |last| Some(IpAddr::from([192, 0, 2, last]));
        let all: Vec<_> =
            (0..LOGINS_OF_NETWORK_MAX).map(|_| passwords.let_in(from(1)).ok().unwrap()).collect();
        let says = |network| passwords.let_in(network).err().map(|problem| (problem.status, problem.detail));
        let refused = says(from(1));
        assert!(refused.is_some_and(|(status, says)| status == 503 && says.contains("from your network")));
        assert_eq!((says(from(2)), says(None)), (None, None));
        drop(all);
        assert!(passwords.networks_that_log_in.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_may_wait_and_no_more() {
        let passwords = Passwords::new();
        let _waiting = passwords.places.acquire_many(PLACES_MAX as u32).await.unwrap();
        let refused = passwords.work(Instant::now() + PATIENCE, || ()).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (503, "overloaded"));
    }
}
