//! The real binary under races, kills, wiped disks and nonsense. See `holdfast_processes` for what the tests share.

#![cfg(test)]

mod accounts;
mod bad_input;
mod bench;
mod beyond;
mod catch_up;
mod clocks;
mod cluster_over_grpc;
mod day;
mod grpc;
mod health;
mod holds;
mod identity;
mod kills;
mod membership;
mod payments;
mod race;
mod read_your_write;
mod rides;
mod start;
mod tls;
mod tokens;
mod watch;
