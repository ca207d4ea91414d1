//! One machine: a turmoil simulation of a single host, so that each can be paused, jump or drift by itself.

use std::future::Future;
use std::time::{Duration, UNIX_EPOCH};

use crate::time::{EPOCH_MS, TICK};

/// The only host of each.
const HOST: &str = "machine";

/// Longer than anybody simulates.
const DURATION_MAX: Duration = Duration::from_secs(1_000_000);

/// A machine and the software on it.
pub struct Machine {
    simulation: turmoil::Sim<'static>,
    is_up: bool,
}

impl Machine {
    /// A machine that starts its software at once, and again whenever it is started.
    pub fn new<F>(seed: u64, software: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = turmoil::Result> + 'static,
    {
        let epoch = UNIX_EPOCH + Duration::from_millis(EPOCH_MS);
        let mut simulation = turmoil::Builder::new()
            .rng_seed(seed)
            .epoch(epoch)
            .tick_duration(TICK)
            .simulation_duration(DURATION_MAX)
            .build();
        simulation.host(HOST, software);
        Self { simulation, is_up: true }
    }

    /// Runs the software for a tick of its own clock.
    ///
    /// # Panics
    ///
    /// When its software does.
    pub fn tick(&mut self) {
        if self.is_up
            && let Err(error) = self.simulation.step()
        {
            panic!("the software of a machine ended: {error}");
        }
    }

    /// Ends the software where it is; its handles are dropped.
    pub fn stop(&mut self) {
        self.simulation.crash(HOST);
        self.is_up = false;
    }

    /// Starts the software.
    pub fn start(&mut self) {
        self.simulation.bounce(HOST);
        self.is_up = true;
    }

    /// Whether its software runs.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.is_up
    }
}
