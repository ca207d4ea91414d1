//! A power loss, or a kill and then a power loss, at every single step of a workload.

use holdfast_storage::simulated::SimulatedDisk;

use crate::ledger::Ledger;
use crate::node::{Node, Store};
use crate::script::run;

const WORKLOAD: &str = "
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
";

/// After a crash: more of the same.
const AFTERMATH: &str = "
    identify
    apply 2
    flush
    receive 4
    install
    retire
    apply 1
    snapshot
";

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

fn tell(step: u64, stop: Stop, seed: u64, store: Store) {
    let context = || format!("step {step}, {stop:?}, seed {seed}");
    let mut story = Story::new(seed, store);
    story.go_on(WORKLOAD, Some(step), &context);
    match stop {
        Stop::Crash => story.disk.crash(),
        Stop::Kill(more) => {
            story.disk.kill();
            let later = story.disk.steps() + more;
            story.go_on(AFTERMATH, Some(later), &context);
            story.disk.crash();
        }
    }
    for round in 0..2 {
        let context = || format!("step {step}, {stop:?}, seed {seed}, round {round}");
        story.recover(&context);
        story.go_on(AFTERMATH, None, &context);
        story.disk.crash();
    }
    story.recover(&context);
}

fn steps(store: Store) -> u64 {
    let mut story = Story::new(0, store);
    story.go_on(WORKLOAD, None, &|| "without a crash".to_owned());
    story.disk.steps()
}

fn check(store: Store, stops: &[Stop], seeds: u64) {
    let steps = steps(store);
    assert!(steps > 200, "a workload of {steps} steps shows little");
    for step in 0..steps {
        for stop in stops {
            (0..seeds).for_each(|seed| tell(step, *stop, seed, store));
        }
    }
    println!("{steps} steps, {} crashes", steps * stops.len() as u64 * seeds);
}

#[test]
fn a_crash_at_any_step_leaves_what_was_reported_whole() {
    check(Store::Parts, &[Stop::Crash], 12);
}

#[test]
fn the_same_over_sorted_maps() {
    check(Store::SortedMap, &[Stop::Crash], 6);
}

#[test]
fn what_a_node_found_after_a_kill_is_still_there_after_a_crash() {
    let stops: Vec<Stop> = (0..20).map(Stop::Kill).collect();
    check(Store::Parts, &stops, 2);
}
