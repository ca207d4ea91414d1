//! The log as its users see it: on the simulated disk with every fault, and on the real file system.

#![cfg(test)]

mod crashes;
mod damage;
mod failures;
mod histories;
mod node;
mod real;
mod transcripts;
mod workload;
