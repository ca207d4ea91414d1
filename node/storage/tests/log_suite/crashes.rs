//! A power loss at every single step of a workload, with several ways for the disk to remember it.

use std::path::Path;

use holdfast_storage::log::LogOptions;
use holdfast_storage::simulated::SimulatedDisk;

use crate::node::{Node, small};
use crate::workload::{Workload, operations};

/// Ways to crash at each step.
const SEEDS: u64 = 12;

const ROOT: &str = "/data";

const WORKLOAD: &str = "
    vote
    append 10 20 30
    write
    append 0
    commit
    append 200 5
    vote
    write
    truncate 2
    append 40
    write
    append 400 400 400
    write
    commit
    append 1 2 3 4
    truncate 3
    append 300
    write
    purge 3
    append 60 60
    write
    append 900
    append 10
    write
    append 3000
    write
    truncate 1
    write
    reopen
    append 50
    vote
    write
    purge 1
    write
    append 500 500
    write
    append 100 500
    commit
    write
    append 700
    append 200
    write
    purge 0
    write
    jump 10
    append 20
    write
    append 600 300 600
    write
    purge 2
    write
    reopen
    append 800
    write
    append 1 1 1
    commit
    write
";

/// After the crash: more of the same, the last of it never written.
const AFTERMATH: &str = "
    append 10 300
    write
    vote
    append 30
    write
    append 7
";

fn run(disk: &SimulatedDisk, workload: &mut Workload, options: &dyn Fn() -> LogOptions, text: &str) {
    let Ok(mut node) = Node::open(disk, Path::new(ROOT), options()) else {
        return;
    };
    for operation in operations(text) {
        if !workload.run(&mut node, options, &operation) {
            return;
        }
    }
}

/// Returns how many steps the whole workload took.
fn crash_at(step: Option<u64>, seed: u64, options: &dyn Fn() -> LogOptions) -> u64 {
    let disk = SimulatedDisk::new(seed);
    let mut workload = Workload::new();
    step.inspect(|step| disk.stop_at(*step));
    run(&disk, &mut workload, options, WORKLOAD);
    let steps = disk.steps();
    for round in 0..2 {
        disk.crash();
        let context = || format!("step {step:?}, seed {seed}, round {round}");
        let node = Node::open(&disk, Path::new(ROOT), options())
            .unwrap_or_else(|error| panic!("{}: {error}", context()));
        workload.recover(&node, &context);
        drop(node);
        run(&disk, &mut workload, options, AFTERMATH);
    }
    steps
}

fn crash_everywhere(segment_bytes: u32, tail_bytes: u64, spare_segments_max: usize) {
    let options = || LogOptions { segment_bytes, tail_bytes, spare_segments_max, ..small() };
    let steps = crash_at(None, 0, &options);
    assert!(steps > 100, "a workload of {steps} steps shows little");
    for step in 0..steps {
        for seed in 0..SEEDS {
            crash_at(Some(step), seed, &options);
        }
    }
}

#[test]
fn a_crash_at_any_step_leaves_what_was_reported_and_nothing_that_was_not_asked_for() {
    crash_everywhere(1024, 300, 2);
}

#[test]
fn the_same_with_tiny_segments_and_nothing_in_memory() {
    crash_everywhere(512, 0, 1);
}

#[test]
fn the_same_with_segments_of_many_sectors_and_no_spares() {
    crash_everywhere(4096, 1_000_000, 0);
}
