//! A cluster that works, for a scenario to happen to.

use holdfast_simulation::chance::Chance;
use holdfast_simulation::host::Loss;
use holdfast_simulation::run;
use holdfast_simulation::world::{World, WorldOptions, alone};

/// A working cluster and its clients.
pub struct Stage {
    /// All of it.
    pub world: World,
    /// For what the scenario draws.
    pub chance: Chance,
}

/// Plays a scenario on a working cluster, heals it, and judges all that clients were told. What went wrong, if anything.
pub fn play(
    options: WorldOptions,
    scenario: impl FnOnce(&mut Stage) -> Result<(), String> + Send + 'static,
) -> Result<(), String> {
    let played = alone(move || {
        let mut stage = Stage { world: World::new(&options), chance: Chance::new(options.seed ^ 0x57a6e) };
        run::set_up(&mut stage.world, &options)?;
        stage.world.load.begin();
        stage.pass(500)?;
        scenario(&mut stage)?;
        stage.finish()
    });
    played.unwrap_or_else(|_| Err("it panicked".to_owned()))
}

/// Plays a scenario that must go well.
pub fn goes_well(
    options: WorldOptions,
    scenario: impl FnOnce(&mut Stage) -> Result<(), String> + Send + 'static,
) {
    let seed = options.seed;
    if let Err(says) = play(options, scenario) {
        panic!("seed {seed}: {says}");
    }
}

/// A usual cluster of so many nodes, with busy clients.
pub fn busy(seed: u64, nodes: usize) -> WorldOptions {
    WorldOptions { guests: 8, think_ms: 15, ..WorldOptions::new(seed, nodes) }
}

impl Stage {
    /// Lets so many milliseconds go by.
    pub fn pass(&mut self, millis: u64) -> Result<(), String> {
        self.world.run_until(millis, |_| false).map(drop).map_err(|violation| violation.to_string())
    }

    /// Lets time go by until something is so, as it must be within so many milliseconds.
    pub fn until(
        &mut self,
        what: &str,
        limit_ms: u64,
        is_so: impl FnMut(&mut World) -> bool,
    ) -> Result<(), String> {
        match self.world.run_until(limit_ms, is_so).map_err(|violation| violation.to_string())? {
            true => Ok(()),
            false => Err(format!("not within {limit_ms} ms: {what}")),
        }
    }

    /// The host of the leader.
    pub fn leader(&mut self) -> Result<usize, String> {
        self.until("a leader", 5000, |world| world.leader().is_some())?;
        self.world.leader().ok_or_else(|| "nobody leads".to_owned())
    }

    /// Hosts of nodes that do not lead.
    pub fn followers(&mut self) -> Result<Vec<usize>, String> {
        let leader = self.leader()?;
        Ok((0..self.world.nodes()).filter(|position| *position != leader).collect())
    }

    /// How many calls were done.
    pub fn done(&self) -> u64 {
        self.world.recorder.counts().answers.get("done").copied().unwrap_or(0)
    }

    /// How many calls the cluster has decided.
    pub fn decided(&self) -> u64 {
        self.world.recorder.counts().decided()
    }

    /// Ends processes.
    pub fn end(&mut self, hosts: &[usize], loss: Loss) {
        hosts.iter().for_each(|position| self.world.hosts[*position].end(loss));
    }

    /// Starts processes.
    pub fn start(&mut self, hosts: &[usize]) {
        hosts.iter().for_each(|position| self.world.hosts[*position].start());
    }

    /// Cuts or mends ways.
    pub fn set_cut(&mut self, ways: &[(usize, usize)], is_cut: bool) {
        for (from, to) in ways {
            self.world.net.change_link(*from, *to, |link| link.set_cut(0, is_cut));
        }
    }

    fn finish(&mut self) -> Result<(), String> {
        let is_well = |host: &usize| !self.world.lost.contains(host) && !self.world.has_left(*host);
        let core: Vec<usize> = (0..self.world.nodes()).filter(is_well).collect();
        run::mend(&mut self.world, &core);
        run::finish(&mut self.world, &core)
    }
}
