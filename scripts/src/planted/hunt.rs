//! Runs seeds on every core until one fails.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// How long to hunt.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The first seed.
    pub first: u64,
    /// How many seeds.
    pub seeds: u64,
    /// How long at most.
    pub duration: Duration,
    /// Processes at once.
    pub cores: u64,
}

/// What a hunt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prey {
    /// The lowest seed that fails, and what was said.
    Found { seed: u64, says: String },
    /// So many seeds passed.
    Nothing { passed: u64 },
}

/// One line of a simulator.
struct Line {
    core: u64,
    seed: u64,
    /// What went wrong, if something did.
    failure: Option<String>,
}

/// Runs seeds from `limits.first` on, until one fails.
pub fn hunt(simulator: &Path, limits: Limits) -> Result<Prey> {
    let ends_at = Instant::now() + limits.duration;
    let (sender, lines) = mpsc::channel();
    let mut children = Vec::new();
    for core in 0..limits.cores {
        let mut child = start(simulator, core, limits)?;
        let output = child.stdout.take().context("the simulator has no output")?;
        let sender = sender.clone();
        children.push(child);
        thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            // Whoever listened has heard enough.
            read.filter_map(|line| line_of(core, &line)).try_for_each(|line| sender.send(line))
        });
    }
    drop(sender);
    let prey = wait(&lines, ends_at, limits.cores);
    for mut child in children {
        // One that ended by itself cannot be killed, and need not.
        drop(child.kill());
        drop(child.wait());
    }
    Ok(prey)
}

/// Whether a seed passes.
pub fn passes(simulator: &Path, seed: u64) -> Result<bool> {
    let duration = Duration::from_secs(600);
    let prey = hunt(simulator, Limits { first: seed, seeds: 1, duration, cores: 1 })?;
    Ok(prey == Prey::Nothing { passed: 1 })
}

fn start(simulator: &Path, core: u64, limits: Limits) -> Result<Child> {
    let seeds = limits.seeds / limits.cores + u64::from(core < limits.seeds % limits.cores);
    let arguments = [("--seed", limits.first + core), ("--seeds", seeds), ("--step", limits.cores)];
    let mut command = Command::new(simulator);
    command.args(arguments.iter().flat_map(|(name, value)| [(*name).to_owned(), value.to_string()]));
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("cannot start {}", simulator.display()))
}

/// Each core runs its seeds in their order: once all are beyond one that failed, none below it fails.
fn wait(lines: &mpsc::Receiver<Line>, ends_at: Instant, cores: u64) -> Prey {
    let (mut passed, mut found) = (0, None::<(u64, String)>);
    let mut come_to: BTreeMap<u64, u64> = BTreeMap::new();
    let is_lowest = |come_to: &BTreeMap<u64, u64>, found: &Option<(u64, String)>| {
        let is_beyond = |core| come_to.get(&core) >= found.as_ref().map(|(seed, _)| seed);
        found.is_some() && (0..cores).all(is_beyond)
    };
    while !is_lowest(&come_to, &found) {
        let left = ends_at.saturating_duration_since(Instant::now());
        let Ok(Line { core, seed, failure }) = lines.recv_timeout(left) else { break };
        come_to.insert(core, seed);
        match failure {
            None => passed += 1,
            Some(says) if found.as_ref().is_none_or(|(lowest, _)| seed < *lowest) => {
                found = Some((seed, says))
            }
            Some(_) => (),
        }
    }
    found.map_or(Prey::Nothing { passed }, |(seed, says)| Prey::Found { seed, says })
}

/// What a line of the simulator says of a seed, if it does.
fn line_of(core: u64, line: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(line).ok()?;
    let seed = line["seed"].as_u64()?;
    Some(Line { core, seed, failure: line["failure"].as_str().map(str::to_owned) })
}

/// Which check it was: what is said before the first moment or colon.
pub fn check_of(says: &str) -> &str {
    let first = says.lines().next().unwrap_or_default();
    let ends = [" at ", ": "].into_iter().filter_map(|end| first.find(end)).min();
    &first[..ends.unwrap_or(first.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A simulator whose seeds from 7 on fail. It is a file of the repository: a program that a test
    /// writes and starts is "busy" while any other thread forks (the child holds it open for writing
    /// until it becomes its own program).
    fn simulator() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/planted/hunt/simulator.sh")
    }

    #[test]
    fn seeds_are_run_until_one_fails() {
        let simulator = simulator();
        let limits = |seeds, cores| Limits { first: 1, seeds, duration: Duration::from_secs(60), cores };
        assert_eq!(hunt(&simulator, limits(6, 2)).unwrap(), Prey::Nothing { passed: 6 });
        assert!(passes(&simulator, 6).unwrap() && !passes(&simulator, 7).unwrap());
        let says = "log matching at 1.500 s: entry 1 is not the same".to_owned();
        for cores in [1, 2, 3] {
            let found = Prey::Found { seed: 7, says: says.clone() };
            assert_eq!(
                hunt(&simulator, limits(50, cores)).unwrap(),
                found,
                "the lowest, whoever comes first"
            );
        }
    }

    #[test]
    fn a_check_is_what_is_said_first() {
        assert_eq!(check_of("log matching at 1.500 s: entry 1.1.0 is not the same"), "log matching");
        assert_eq!(check_of("history: booking:1 was seen at 3"), "history");
        assert_eq!(check_of("liveness: 15000 ms after"), "liveness");
        assert_eq!(check_of("odd"), "odd");
    }
}
