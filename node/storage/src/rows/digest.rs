//! The digest of all rows: equal on all nodes that have applied the same log.

use std::fmt;
use std::ops::ControlFlow;

use holdfast_reservations::Order;
use xxhash_rust::xxh3::Xxh3;

use crate::engine::{EngineError, ReadEngine};
use crate::keys;
use crate::rows::shape;

/// A hash over every key and value, in key order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

/// Reads every row of one moment. Takes about a second for a million rows.
pub fn digest(engine: &dyn ReadEngine) -> Result<Digest, EngineError> {
    let mut hash = Xxh3::new();
    engine.scan(keys::FIRST_ROW..keys::END, Order::Ascending, &mut |key, value| {
        for part in [key, &shape::as_written_now(key, value)] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        ControlFlow::Continue(())
    })?;
    Ok(Digest(hash.digest128()))
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
