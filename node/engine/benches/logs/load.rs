//! The loads, and the one appender that puts them on a log.

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use bytes::Bytes;

use crate::candidate::Candidate;
use crate::figures::{Figures, Usage};

/// About what one booking takes in the log.
const ENTRY_BYTES: usize = 200;

/// A log is purged as often as a node would after its snapshots, only sooner.
const PURGE_INTERVAL: u64 = 100_000;

const KEPT: u64 = 50_000;

pub struct Load {
    name: &'static str,
    appends: u64,
    entries_per_append: u64,
    in_flight: usize,
}

pub const LOADS: &[Load] = &[
    Load { name: "alone", appends: 5_000, entries_per_append: 1, in_flight: 1 },
    Load { name: "many small", appends: 200_000, entries_per_append: 1, in_flight: 64 },
    Load { name: "pipelined batches", appends: 50_000, entries_per_append: 32, in_flight: 8 },
];

impl Load {
    pub fn describe(&self) -> String {
        let Self { name, appends, entries_per_append, in_flight } = self;
        format!(
            "{name}: {appends} appends of {entries_per_append} x {ENTRY_BYTES} bytes, {in_flight} in flight, purged \
             every {PURGE_INTERVAL} entries"
        )
    }
}

pub fn run(log: &mut dyn Candidate, load: &Load, next: &mut u64) -> Figures {
    let entry = Bytes::from(vec![0x5a; ENTRY_BYTES]);
    let (finished, finishes) = sync_channel(load.in_flight);
    let mut micros = Vec::with_capacity(load.appends as usize);
    let before = Usage::now();
    let started_at = Instant::now();
    let mut in_flight = 0;
    for _ in 0..load.appends {
        if in_flight == load.in_flight {
            micros.push(finishes.recv().expect("an append that ends"));
            in_flight -= 1;
        }
        let entries = vec![entry.clone(); load.entries_per_append as usize];
        let (finished, appended_at) = (finished.clone(), Instant::now());
        let done = move || {
            let duration = appended_at.elapsed().as_secs_f64() * 1e6;
            finished.send(duration).expect("somebody waits");
        };
        log.append(*next, entries, Box::new(done));
        in_flight += 1;
        let purges_before = *next / PURGE_INTERVAL;
        *next += load.entries_per_append;
        if *next / PURGE_INTERVAL > purges_before && *next > KEPT {
            log.purge(*next - KEPT);
        }
    }
    micros.extend(finishes.iter().take(in_flight));
    let seconds = started_at.elapsed().as_secs_f64();
    let after = Usage::now();

    let entries = (load.appends * load.entries_per_append) as f64;
    micros.sort_by(f64::total_cmp);
    let percentile = |part: f64| micros[((micros.len() - 1) as f64 * part) as usize];
    Figures {
        entries_per_second: entries / seconds,
        p50_micros: percentile(0.5),
        p99_micros: percentile(0.99),
        cpu_micros_per_entry: (after.cpu_micros - before.cpu_micros) / entries,
        disk_bytes_per_entry: (after.disk_bytes - before.disk_bytes) / entries,
    }
}
