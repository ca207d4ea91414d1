//! A whole cluster with its clients in one thread from one seed, under any fault.

#[cfg(not(tokio_unstable))]
compile_error!("build the simulation from its own folder: its .cargo/config.toml sets --cfg tokio_unstable");

pub mod invariants;
pub mod observation;
