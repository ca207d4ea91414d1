//! Scenarios by name: what is known to be hard, each made to happen.

mod clocks;
mod disks;
mod members;
mod partitions;
mod restored_leader;
mod snapshots;
mod stage;
mod watchers;
