//! A whole cluster with its clients in one thread from one seed, under any fault.

#[cfg(not(tokio_unstable))]
compile_error!("build the simulation from its own folder: its .cargo/config.toml sets --cfg tokio_unstable");

pub mod chance;
pub mod client;
pub mod complaints;
pub mod determinism;
pub mod disk;
pub mod faults;
pub mod host;
pub mod invariants;
pub mod judgement;
pub mod machine;
pub mod network;
pub mod node;
pub mod observation;
pub mod outside;
pub mod prober;
pub mod readers;
pub mod recorder;
pub mod report;
pub mod run;
pub mod time;
pub mod trace;
pub mod watcher;
pub mod workload;
pub mod world;
