//! What `cargo xtask fuzz-api` works with: a cluster of its own, and schemathesis.

pub mod nodes;
pub mod tool;
