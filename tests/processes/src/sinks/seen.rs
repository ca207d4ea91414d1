//! What a sink has seen, in order, and waiting for it.

use std::time::Duration;

use tokio::sync::watch;

/// A sink that stalls is waited for until a sender gives up, more than once on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// What came. Clones see the same.
#[derive(Clone, Debug)]
pub struct Seen<T>(watch::Sender<Vec<T>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl<T: Clone> Seen<T> {
    pub(super) fn note(&self, one: T) {
        self.0.send_modify(|all| all.push(one));
    }

    /// All of it so far.
    #[must_use]
    pub fn all(&self) -> Vec<T> {
        self.0.borrow().clone()
    }

    /// Waits until what came is so, and gives it back.
    ///
    /// # Panics
    ///
    /// When it takes too long.
    pub async fn wait_until(&self, what: &str, is_so: impl FnMut(&[T]) -> bool) -> Vec<T> {
        let mut is_so = is_so;
        let mut seen = self.0.subscribe();
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(|all| is_so(all))).await;
        let Ok(Ok(all)) = waited else { panic!("waited {PATIENCE:?} in vain: {what}") };
        all.clone()
    }
}
