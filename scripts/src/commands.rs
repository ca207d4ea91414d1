//! What `cargo xtask` can do, one file per command.

pub mod build;
pub mod check;
pub mod env;
pub mod fuzz_api;
pub mod planted;
pub mod simulate;
pub mod test;
