//! Our bytes: the Raft log, rows, snapshots and their codec, over small traits for files and for an ordered store.

pub mod codec;
pub mod engine;
pub mod files;
pub mod generations;
pub mod identity;
pub mod keys;
pub mod log;
pub mod mark;
pub mod removal;
pub mod rows;
mod sealed;
#[cfg(feature = "simulated")]
pub mod simulated;
pub mod snapshots;
#[cfg(feature = "simulated")]
pub mod sorted_map;
