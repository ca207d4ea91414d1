//! The real binary under races, kills, wiped disks and nonsense. See `holdfast_processes` for what the tests share.

#![cfg(test)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test panics when it fails")]

mod kills;
mod race;
mod read_your_write;
