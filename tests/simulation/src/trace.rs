//! The trace of a run: everything that happens, as one hash: what is delivered, what disks are asked for, what logs hold
//! and what is applied, what clients do. Two runs of one seed must agree.

use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::host::Host;
use crate::observation::{Observation, Running};

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

    /// Adds something small that happens so often that it is not shown.
    pub fn mix<const COUNT: usize>(&self, numbers: [u64; COUNT]) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for number in numbers {
            inner.hash.update(&number.to_le_bytes());
        }
        inner.events += 1;
    }

    /// Adds how all nodes stand, what is new in their logs, and what their disks were asked for.
    pub fn observe(&self, now_ms: u64, hosts: &[Host], seen: &Observation) {
        for host in hosts {
            self.mix([now_ms, host.disk.handle().history()]);
        }
        for (id, node, running) in seen.running() {
            for entry in &running.log.entries {
                let payload = xxh3_64(entry.payload.bytes());
                self.mix([id, entry.id.term, entry.id.node, entry.id.index, payload]);
            }
            self.note(|| {
                let Running { role, leader, term, log, committed, state, .. } = running;
                let last = log.last.map_or(0, |last| last.index);
                let committed = committed.map_or(0, |committed| committed.index);
                let applied = state.applied.map_or(0, |applied| applied.index);
                format!(
                    "{now_ms} node {id}.{} {role:?} of {leader:?} term {term} last {last} committed {committed} \
                     applied {applied} {:?}",
                    node.incarnation, state.digest
                )
            });
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
