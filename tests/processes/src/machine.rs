//! Who may use the machine: tests that load it or measure time run alone, the others beside each other.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::const_new(());

/// The whole machine, until it is dropped.
pub async fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().await
}

/// A part of the machine, until it is dropped.
pub async fn beside() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().await
}
