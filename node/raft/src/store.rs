//! openraft's view of our storage: the log, the state, and its snapshots.

mod applier;
mod library;
mod log;
mod state;
#[cfg(any(test, feature = "suite"))]
pub mod suite;

pub use applier::Observer;
pub(crate) use applier::{Applier, ApplierParts, Progress};
pub(crate) use library::{Library, SnapshotFiles, StoredLibrary};
pub(crate) use log::{LogStore, Purged};
pub(crate) use state::{StateStore, labelled};

/// Turns any error of ours into the one openraft takes: it stops the core, and the node with it.
pub(crate) fn fatal(error: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::other(error.to_string())
}
