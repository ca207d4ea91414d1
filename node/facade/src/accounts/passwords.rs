//! Hashes and verifies passwords with argon2id, a few at a time: each takes tens of milliseconds and 19 MiB, and must
//! not starve anything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use crate::problem::{Problem, Result};

/// Passwords worked on at the same time.
const AT_ONCE_MAX: usize = 1;

/// Passwords that may wait; beyond this the answer is "overloaded".
const WAITING_MAX: usize = 256;

/// The workers.
#[derive(Clone)]
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Verified for users who do not exist, so that nobody can tell by the time it takes.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let decoy = hash("decoy").unwrap_or_default().into();
        Self { permits: Arc::new(Semaphore::new(AT_ONCE_MAX)), waiting: Arc::default(), decoy }
    }

    /// The salted hash of a password, as a PHC string.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.work(move || hash(&password)).await?
    }

    /// Whether a password is the one of a hash; without a hash it is not.
    pub(crate) async fn verify(&self, password: String, known: Option<String>) -> Result<bool> {
        let decoy = self.decoy.clone();
        let verified = self.work(move || {
            let hash = known.as_deref().unwrap_or(&decoy);
            let is_right = PasswordHash::new(hash)
                .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
            is_right && known.is_some()
        });
        verified.await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = Place::take(&self.waiting)?;
        let gone = || Problem::new(503, "overloaded", "this node is stopping; nothing was done");
        let _permit = self.permits.acquire().await.map_err(|_| gone())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| gone())
    }
}

fn hash(password: &str) -> Result<String> {
    let failed = |_| Problem::new(500, "internal", "the password cannot be hashed");
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(failed)
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self> {
        let place = Self(waiting);
        match waiting.fetch_add(1, Ordering::Relaxed) {
            ..WAITING_MAX => Ok(place),
            _ => Err(Problem::new(503, "overloaded", "too many log-ins are waiting; nothing was done")),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let passwords = Passwords::new();
        let hash = passwords.hash("open sesame".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(passwords.verify("open sesame".to_owned(), Some(hash.clone())).await, Ok(true));
        assert_eq!(passwords.verify("open sesam".to_owned(), Some(hash)).await, Ok(false));
        assert_eq!(passwords.verify("decoy".to_owned(), None).await, Ok(false));
        assert_eq!(passwords.verify("x".to_owned(), Some("not a hash".to_owned())).await, Ok(false));
    }
}
