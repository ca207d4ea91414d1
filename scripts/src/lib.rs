//! What `cargo xtask` is made of: one file per command, and the plain work below them.

pub mod caches;
pub mod claim;
pub mod commands;
pub mod fuzz_api;
pub mod layers;
pub mod messages;
pub mod planted;
pub mod process;
pub mod rocksdb;
pub mod setup;
pub mod simulation;
pub mod sources;
pub mod steps;
pub mod workspace;
