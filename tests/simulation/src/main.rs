//! Runs one seed.
use std::time::Instant;
use holdfast_simulation::world::{World, WorldOptions, alone};

fn main() {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).without_time().with_writer(std::io::stderr).init();
    let seed: u64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    let shown = std::env::args().nth(2).is_some();
    let started = Instant::now();
    let done = alone(move || {
        let mut options = WorldOptions::new(seed, 3);
        options.is_shown = shown;
        let mut world = World::new(&options);
        let r = world.run_until(20_000, |world| world.voters() == 3 && world.load.arrived() == 5 && world.load.park().is_some());
        println!("setup {r:?} at {} ms", world.time.now_ms());
        world.load.begin();
        let r = world.run_until(20_000, |_| false);
        println!("{r:?} {:?} {:x} {}", world.recorder.counts(), world.trace.hash(), world.trace.events());
        println!("{:?}", world.invariants.checks());
    });
    println!("{} {:?}", done.is_ok(), started.elapsed());
}
