//! A power loss, or a kill and then a power loss, at every single step of a workload.

use std::collections::BTreeSet;
use std::path::Path;

use holdfast_storage::files::block_on;
use holdfast_storage::identity::Identity;
use holdfast_storage::simulated::SimulatedDisk;

use crate::ledger::{Ledger, identity};
use crate::node::{Node, Store};
use crate::script::run;

/// What a node does until it stops, and what it does after that.
#[derive(Clone, Copy)]
struct Plan {
    workload: &'static str,
    aftermath: &'static str,
}

/// Everything, in many orders.
const EVERYTHING: Plan = Plan {
    workload: "
    identify
    identify
    apply 3
    flush
    apply 2
    snapshot
    identify
    apply 4
    snapshot
    receive-half 9
    receive 5
    install
    retire
    apply 2
    flush
    reopen
    apply 1
    snapshot
    receive-half 2
    reopen
    receive 6
    install
    apply 1
    retire
    snapshot
    receive 3
    reopen
    install
    apply 2
    flush
    ",
    aftermath: "
    identify
    apply 2
    flush
    receive 4
    install
    retire
    apply 1
    snapshot
    ",
};

/// Each thing once or twice: so short that many crashes of each step can be told. Some of what must not be lost is lost
/// by one crash in fifty.
const EACH_ONCE: Plan = Plan {
    workload: "
    identify
    apply 2
    snapshot
    identify
    receive 3
    install
    retire
    ",
    aftermath: "
    apply 1
    snapshot
    ",
};

/// How a node stops.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// The power goes.
    Crash,
    /// The process is killed; the power goes later, so many steps after the next start.
    Kill(u64),
}

struct Story {
    disk: SimulatedDisk,
    store: Store,
    ledger: Ledger,
}

impl Story {
    fn new(seed: u64, store: Store) -> Self {
        Self { disk: SimulatedDisk::new(seed), store, ledger: Ledger::default() }
    }

    /// Goes on until the end of the script or the given step.
    fn go_on(&mut self, script: &str, stop: Option<u64>, context: &dyn Fn() -> String) {
        if let Some(step) = stop {
            self.disk.stop_at(step);
        }
        if let Err(error) = run(&self.disk, self.store, &mut self.ledger, script) {
            assert!(stop.is_some() && error.contains("lost its power"), "{}: {error}", context());
        }
    }

    fn recover(&mut self, context: &dyn Fn() -> String) {
        let node = Node::open(&self.disk, self.store);
        let node = node.unwrap_or_else(|error| panic!("{}: {error}", context()));
        self.ledger.recover(&node, context);
    }
}

fn tell(plan: Plan, store: Store, step: u64, stop: Stop, seed: u64) {
    let context = || format!("step {step}, {stop:?}, seed {seed}");
    let mut story = Story::new(seed, store);
    story.go_on(plan.workload, Some(step), &context);
    match stop {
        Stop::Crash => story.disk.crash(),
        Stop::Kill(more) => {
            story.disk.kill();
            let later = story.disk.steps() + more;
            story.go_on(plan.aftermath, Some(later), &context);
            story.disk.crash();
        }
    }
    for round in 0..2 {
        let context = || format!("step {step}, {stop:?}, seed {seed}, round {round}");
        story.recover(&context);
        story.go_on(plan.aftermath, None, &context);
        story.disk.crash();
    }
    story.recover(&context);
}

fn steps(plan: Plan, store: Store) -> u64 {
    let mut story = Story::new(0, store);
    story.go_on(plan.workload, None, &|| "without a crash".to_owned());
    story.disk.steps()
}

fn check(plan: Plan, store: Store, stops: &[Stop], seeds: u64) {
    let steps = steps(plan, store);
    for step in 0..steps {
        for stop in stops {
            (0..seeds).for_each(|seed| tell(plan, store, step, *stop, seed));
        }
    }
    println!("{steps} steps, {} crashes", steps * stops.len() as u64 * seeds);
}

#[test]
fn a_crash_at_any_step_leaves_what_was_reported_whole() {
    check(EVERYTHING, Store::Parts, &[Stop::Crash], 12);
}

#[test]
fn the_same_over_sorted_maps() {
    check(EVERYTHING, Store::SortedMap, &[Stop::Crash], 6);
}

#[test]
fn what_a_node_found_after_a_kill_is_still_there_after_a_crash() {
    let stops: Vec<Stop> = (0..20).map(Stop::Kill).collect();
    check(EVERYTHING, Store::Parts, &stops, 2);
}

#[test]
fn what_a_crash_seldom_loses_is_not_lost_either() {
    check(EACH_ONCE, Store::Parts, &[Stop::Crash], 150);
}

/// Nothing else is opened here: what makes a folder durable for itself would do so for the identity in it.
#[test]
fn an_identity_that_was_read_after_a_kill_is_still_there_after_a_crash() {
    let path = Path::new("/identity");
    let read = |disk: &SimulatedDisk| block_on(Identity::read(disk, path)).unwrap();
    let mut found = BTreeSet::new();
    for seed in 0..100 {
        for step in 0..6 {
            let disk = SimulatedDisk::new(seed);
            block_on(identity(1).unwrap().write(&disk, path)).unwrap();
            disk.stop_at(disk.steps() + step);
            let written = block_on(identity(2).unwrap().write(&disk, path)).is_ok();
            disk.kill();
            let before = read(&disk).unwrap();
            disk.crash();
            assert!(read(&disk).as_ref() == Some(&before), "step {step}, seed {seed}");
            assert!(!written || Some(&before) == identity(2).as_ref());
            found.insert(before.key_generation);
        }
    }
    assert_eq!(found, [1, 2].into(), "both were found");
}
