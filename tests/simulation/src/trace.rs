//! The trace of a run: everything that happens, as one hash. Two runs of one seed must agree.

use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

/// A trace. Clones are the same.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Inner>>);

struct Inner {
    hash: Xxh3,
    events: u64,
    is_shown: bool,
}

impl Trace {
    /// An empty trace, which may be shown on stderr as it grows.
    #[must_use]
    pub fn new(is_shown: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner { hash: Xxh3::new(), events: 0, is_shown })))
    }

    /// Adds something that happened.
    pub fn note(&self, what: impl FnOnce() -> String) {
        let what = what();
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.hash.update(what.as_bytes());
        inner.hash.update(b"\n");
        inner.events += 1;
        if inner.is_shown {
            eprintln!("{what}");
        }
    }

    /// The hash of all that happened.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hash.digest()
    }

    /// How much happened.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).events
    }
}
