//! Three ways to keep a Raft log, under the same loads in one run: our segments, RocksDB, and the `raft-log` crate.
//!
//! `cargo bench -p holdfast-engine --bench logs` prints a table of medians; ADR 0001 holds one.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its table or stops")]

mod candidate;
mod figures;
mod load;
mod own;
mod raft_log;
mod rocks;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use candidate::Open;
use figures::Figures;
use load::{LOADS, run};

const ROUNDS: usize = 3;

const CANDIDATES: &[(&str, Open)] = &[
    ("own segments", own::open),
    ("RocksDB", rocks::open),
    ("raft-log", raft_log::open),
    ("raft-log, no wait", raft_log::open_eager),
];

fn main() {
    let mut measured: BTreeMap<(usize, usize), Vec<Figures>> = BTreeMap::new();
    let mut reopened: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for round in 0..ROUNDS {
        for (who, (name, open)) in CANDIDATES.iter().enumerate() {
            eprintln!("round {} of {ROUNDS}: {name}", round + 1);
            let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the log");
            let mut candidate = open(dir.path());
            let mut next = 0;
            for (which, load) in LOADS.iter().enumerate() {
                let figures = run(&mut *candidate, load, &mut next);
                measured.entry((which, who)).or_default().push(figures);
            }
            candidate.close();
            reopened.entry(who).or_default().push(reopen(*open, dir.path()));
        }
    }
    for (which, load) in LOADS.iter().enumerate() {
        println!("\n{}\n\n{}", load.describe(), Figures::HEADER);
        for (who, (name, _)) in CANDIDATES.iter().enumerate() {
            println!("{}", Figures::median(&measured[&(which, who)]).row(name));
        }
    }
    println!("\nreopened after all of that\n\n| log | ms |\n|---|---|");
    for (who, (name, _)) in CANDIDATES.iter().enumerate() {
        println!("| {name} | {:.1} |", figures::middle(reopened[&who].clone()));
    }
}

/// Milliseconds until the log takes appends again.
fn reopen(open: Open, dir: &Path) -> f64 {
    let started_at = Instant::now();
    let candidate = open(dir);
    let duration = started_at.elapsed();
    candidate.close();
    duration.as_secs_f64() * 1e3
}
