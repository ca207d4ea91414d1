//! openraft's own tests of a store, over ours, whatever disk and row store it stands on.

mod adapters;
mod place;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_storage::files::Files;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::type_config::TypeConfigExt as _;

pub use place::{Guard, Place, Placing};

use crate::types::Types;
use adapters::{LogFromAnyIndex, StateOverTheWire};
use place::open;

/// How many tests the suite of the openraft we are pinned to has: one that runs fewer was cut short.
pub const SUITE_TESTS: usize = 45;

/// Every test gets a store of its own; the one that moves a snapshot gets two.
const SUITE_STORES: usize = SUITE_TESTS + 1;

/// Runs all of the suite's tests, each over a new place, and says how many there were. A test that fails panics.
///
/// # Errors
///
/// When a store cannot be opened, or fails where the test did not expect it.
pub async fn run_openraft_suite<F: Files>(new_place: Placing<F>) -> Result<usize, String> {
    let builder = Builder { new_place, stores: AtomicUsize::new(0) };
    Suite::test_store(&builder).await.map_err(|error| error.to_string())?;
    let stores = builder.stores.into_inner();
    if stores != SUITE_STORES {
        return Err(format!(
            "the suite opened {stores} stores, not {SUITE_STORES}: which tests does it have now?"
        ));
    }
    Ok(SUITE_TESTS)
}

struct Builder<F> {
    new_place: Placing<F>,
    stores: AtomicUsize,
}

impl<F: Files> StoreBuilder<Types, LogFromAnyIndex<F>, StateOverTheWire, Guard> for Builder<F> {
    async fn build(&self) -> Result<(Guard, LogFromAnyIndex<F>, StateOverTheWire), StorageError<Types>> {
        self.stores.fetch_add(1, Ordering::Relaxed);
        let place = (self.new_place)();
        let opened = open(&place).await;
        let opened = opened.map_err(|error| StorageError::read(Types::err_from_error(&error)));
        let (log, state, library) = opened?;
        Ok((place.guard, LogFromAnyIndex(log), StateOverTheWire { state, library }))
    }
}
