//! `cargo xtask simulate`: runs seeds of the simulator on every core, and says what they came to.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::process::run as run_process;
use crate::setup::Setup;
use crate::simulation;

/// Without being told, it goes on for so long.
const MINUTES_DEFAULT: u64 = 1;

/// So many seeds are long enough for what never happened to be worth telling.
const SEEDS_TO_SHOW_ZEROS: u64 = 100;

/// In so many seeds every judge has something to judge.
const SEEDS_TO_JUDGE: u64 = 40;

/// What the judges of recorded calls live on, which a seed that has none of it does not mention. Checks of every moment are
/// never idle.
const JUDGED: &[&str] = &[
    "calls of the history",
    "stale reads",
    "decisions about who may act",
    "attempts to be let in",
    "parties admitted",
    "scans not admitted",
    "scans taken back",
    "codes fetched",
    "acknowledged changes",
];

/// Progress is told this often.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(15);

/// So rarely a seed may end before it can be judged, besides one.
const NOT_JUDGED_ONE_IN: u64 = 100;

/// After so many failures there is enough to look into.
const FAILURES_MAX: usize = 10;

/// Seeds that failed once, one a line, each with what it found.
const REGRESSIONS: &str = "tests/simulation/seeds.txt";

#[derive(clap::Args)]
pub struct Options {
    /// The first seed; the clock's, if not given. Alone: run that one
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many seeds
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Begin no seed after so many minutes
    #[arg(long)]
    pub minutes: Option<u64>,
    /// Run every seed that ever failed (tests/simulation/seeds.txt), and nothing else
    #[arg(long, conflicts_with_all = ["seed", "seeds", "minutes"])]
    pub regressions: bool,
    /// Processes at once; one a core, if not given
    #[arg(long)]
    pub cores: Option<usize>,
}

/// What all seeds came to.
#[derive(Default)]
struct Totals {
    seeds: u64,
    twice: u64,
    simulated_ms: u64,
    faults: BTreeMap<String, u64>,
    operations: BTreeMap<String, u64>,
    checks: BTreeMap<String, u64>,
    /// The trace hash of each seed.
    hashes: BTreeMap<u64, String>,
    /// Each seed that ended before it could be judged, and why.
    not_judged: Vec<(u64, String)>,
    /// Each seed that failed, how, and how it went when it was run again.
    failures: Vec<(u64, String, String)>,
}

/// Which seeds to run, and until when.
struct Plan {
    seeds: Box<dyn Iterator<Item = u64> + Send>,
    ends_at: Option<Instant>,
}

pub fn run(setup: &Setup, options: &Options) -> Result<()> {
    let program = build(setup)?;
    let (plan, said) = plan(setup, options)?;
    eprintln!("simulating {said}");
    let began_at = Instant::now();
    let cores = options.cores.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let totals = simulate(&program, plan, cores);
    writeln!(stdout(), "{}commit      {}", totals.shown(began_at.elapsed()), commit(setup))?;
    totals.verdict()
}

/// What was simulated: the commit, and whether anything was changed since.
fn commit(setup: &Setup) -> String {
    let git = |arguments: &[&str]| {
        let ran = Command::new("git").current_dir(&setup.workspace.root).args(arguments).output().ok()?;
        let said = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
        ran.status.success().then_some(said)
    };
    let changed = git(&["status", "--porcelain"]).filter(|said| !said.is_empty());
    let suffix = if changed.is_some() { ", and changes that are not committed" } else { "" };
    git(&["rev-parse", "HEAD"]).map_or("unknown".to_owned(), |commit| commit + suffix)
}

/// Builds the simulator; its program.
fn build(setup: &Setup) -> Result<PathBuf> {
    run_process(&mut simulation::cargo(setup, &["build", "--quiet", "--locked"]))?;
    Ok(simulation::target(setup).join("debug/holdfast-simulation"))
}

fn plan(setup: &Setup, options: &Options) -> Result<(Plan, String)> {
    if options.regressions {
        let path = setup.workspace.root.join(REGRESSIONS);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let seeds = seeds_in(&text)?;
        let said = format!("the {} seeds of {REGRESSIONS}", seeds.len());
        return Ok((Plan { seeds: Box::new(seeds.into_iter()), ends_at: None }, said));
    }
    let seeds = match (options.seed, options.seeds, options.minutes) {
        (Some(_), None, None) => Some(1),
        (_, seeds, _) => seeds,
    };
    let minutes = match (seeds, options.minutes) {
        (None, None) => Some(MINUTES_DEFAULT),
        (_, minutes) => minutes,
    };
    let first = options.seed.unwrap_or_else(fresh_seed);
    let end = seeds.map_or(u64::MAX, |seeds| first.saturating_add(seeds));
    let ends_at = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let count = seeds.map_or(String::new(), |seeds| format!("{seeds} "));
    let limit = minutes.map_or(String::new(), |minutes| format!(" for {minutes} min"));
    let said = format!("{count}seeds from {first} on{limit}");
    Ok((Plan { seeds: Box::new(first..end), ends_at }, said))
}

/// A seed that nobody has run before.
fn fresh_seed() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_secs() * 10_000
}

fn seeds_in(text: &str) -> Result<Vec<u64>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let seed = |line: &str| {
        let word = line.split_whitespace().next().unwrap_or_default();
        word.parse().with_context(|| format!("not a seed: {line}"))
    };
    lines.map(seed).collect()
}

fn simulate(program: &Path, plan: Plan, cores: usize) -> Totals {
    let began_at = Instant::now();
    let (totals, seeds) = (Mutex::new(Totals::default()), Mutex::new(plan.seeds));
    let lock = || totals.lock().unwrap_or_else(PoisonError::into_inner);
    let next = || {
        let is_over = plan.ends_at.is_some_and(|ends_at| Instant::now() >= ends_at);
        let has_enough = lock().failures.len() >= FAILURES_MAX;
        let mut seeds = seeds.lock().unwrap_or_else(PoisonError::into_inner);
        if is_over || has_enough { None } else { seeds.next() }
    };
    let told_at = Mutex::new(began_at);
    thread::scope(|scope| {
        for _ in 0..cores.max(1) {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let report = run_seed(program, seed);
                    let mut totals = lock();
                    totals.add(seed, &report);
                    let mut told_at = told_at.lock().unwrap_or_else(PoisonError::into_inner);
                    if told_at.elapsed() >= PROGRESS_INTERVAL {
                        *told_at = Instant::now();
                        eprintln!("{}", totals.progress(began_at.elapsed()));
                    }
                }
            });
        }
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a seed; what its simulator says of it.
fn run_seed(program: &Path, seed: u64) -> Value {
    let failed = |why: String| serde_json::json!({"seed": seed, "failure": why});
    match Command::new(program).args(["--seed", &seed.to_string()]).output() {
        Err(error) => failed(format!("the simulator cannot be started: {error}")),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let line = said.lines().last().unwrap_or_default();
            let unreadable = |_| failed(format!("the simulator ended with {}", output.status));
            serde_json::from_str(line).unwrap_or_else(unreadable)
        }
    }
}

impl Totals {
    fn add(&mut self, seed: u64, report: &Value) {
        self.seeds += 1;
        self.twice += u64::from(report["twice"].as_bool().unwrap_or(false));
        self.simulated_ms += report["simulatedMs"].as_u64().unwrap_or(0);
        let kinds = [
            ("faults", &mut self.faults),
            ("operations", &mut self.operations),
            ("checks", &mut self.checks),
        ];
        for (name, totals) in kinds {
            for (kind, count) in report[name].as_object().into_iter().flatten() {
                *totals.entry(kind.clone()).or_default() += count.as_u64().unwrap_or(0);
            }
        }
        if let Some(why) = report["notJudged"].as_str() {
            eprintln!("seed {seed} was not judged: {why}");
            self.not_judged.push((seed, why.to_owned()));
        }
        self.hashes.insert(seed, report["hash"].as_str().unwrap_or("none").to_owned());
        if let Some(failure) = report["failure"].as_str() {
            let again = report["again"].as_str().unwrap_or("it was not run again");
            eprintln!(
                "seed {seed} FAILED: {failure}\n  {again}\n  again: cargo xtask simulate --seed {seed}"
            );
            self.failures.push((seed, failure.to_owned(), again.to_owned()));
        }
    }

    /// Whether all is well: nothing failed, nearly all that was run was judged, and every judge had something to judge.
    fn verdict(&self) -> Result<()> {
        let failed = self.failures.len();
        ensure!(failed == 0, "{failed} of {} seeds failed", self.seeds);
        let not_judged = self.not_judged.len() as u64;
        let most = 1 + self.seeds / NOT_JUDGED_ONE_IN;
        ensure!(not_judged <= most, "{not_judged} of {} seeds were not judged, more than {most}", self.seeds);
        if self.seeds >= SEEDS_TO_JUDGE {
            let idle = self.checks.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name.as_str());
            let missing = JUDGED.iter().filter(|name| !self.checks.contains_key(**name)).copied();
            let idle: Vec<&str> = idle.chain(missing).collect();
            ensure!(idle.is_empty(), "nothing was there to be judged by: {}", idle.join(", "));
        }
        Ok(())
    }

    fn progress(&self, elapsed: Duration) -> String {
        let faults: u64 = self.faults.values().sum();
        let per_hour = per_hour(self.seeds, elapsed);
        format!(
            "{} seeds ({per_hour} an hour), {:.2} simulated hours, {faults} faults, {} failed",
            self.seeds,
            hours(self.simulated_ms),
            self.failures.len()
        )
    }

    fn shown(&self, elapsed: Duration) -> String {
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        let shows_zeros = self.seeds >= SEEDS_TO_SHOW_ZEROS;
        let list = |counts: &BTreeMap<String, u64>| {
            let shown = counts.iter().filter(|(_, count)| shows_zeros || **count > 0);
            let lines = shown.map(|(name, count)| format!("  {count:>10}  {name}\n"));
            lines.collect::<String>()
        };
        let not_judged: String =
            self.not_judged.iter().map(|(seed, why)| format!("NOT JUDGED  seed {seed}: {why}\n")).collect();
        let failures: String = self
            .failures
            .iter()
            .map(|(seed, says, again)| {
                let first = says.lines().next().unwrap_or_default();
                format!("FAILED  {first}\n        {again}\n        cargo xtask simulate --seed {seed}\n")
            })
            .collect();
        format!(
            "seeds       {} ({} an hour), {} of them run twice\nsimulated   {:.2} hours\nfaults      {}\n{}\
             operations  {}\n{}checks      {}\n{}traces      {}\n{not_judged}{failures}",
            self.seeds,
            per_hour(self.seeds, elapsed),
            self.twice,
            hours(self.simulated_ms),
            sum(&self.faults),
            list(&self.faults),
            sum(&self.operations),
            list(&self.operations),
            sum(&self.checks),
            list(&self.checks),
            self.trace(),
        )
    }

    /// The trace hash of a seed, or one of all their hashes, whatever the order in which they ended.
    fn trace(&self) -> String {
        if let (Some(hash), 1) = (self.hashes.values().next(), self.hashes.len()) {
            return hash.clone();
        }
        let mut together = std::hash::DefaultHasher::new();
        self.hashes.iter().for_each(|hash| std::hash::Hash::hash(&hash, &mut together));
        format!("{:016x} (of {} seeds)", std::hash::Hasher::finish(&together), self.hashes.len())
    }
}

fn per_hour(seeds: u64, elapsed: Duration) -> u64 {
    seeds * 3_600_000 / u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn hours(simulated_ms: u64) -> f64 {
    simulated_ms as f64 / 3_600_000.0
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn seeds_stand_first_on_their_lines() {
        let text = "# what failed once\n\n17 Refuse a torn tail: lost an entry\n4\n";
        assert_eq!(seeds_in(text).unwrap(), [17, 4]);
        assert_eq!(seeds_in("all of them").unwrap_err().to_string(), "not a seed: all of them");
    }

    #[test]
    fn totals_say_what_was_done_and_how_to_see_a_failure_again() {
        let mut totals = Totals::default();
        let report = |failure: Value| {
            serde_json::json!({
                "simulatedMs": 1_800_000, "twice": true, "failure": failure,
                "hash": "00000000000000aa", "again": "it failed the same way again",
                "faults": {"kill": 2, "rot": 0}, "operations": {"book": 3}, "checks": {"leads once": 4},
            })
        };
        totals.add(7, &report(Value::Null));
        totals.add(8, &report("two leaders\nand more".into()));
        expect![[r#"
            seeds       2 (120 an hour), 2 of them run twice
            simulated   1.00 hours
            faults      4
                       4  kill
            operations  6
                       6  book
            checks      8
                       8  leads once
            traces      HASH (of 2 seeds)
            FAILED  two leaders
                    it failed the same way again
                    cargo xtask simulate --seed 8
        "#]]
        .assert_eq(&totals.shown(Duration::from_secs(60)).replace(&totals.trace()[..16], "HASH"));
        assert!(totals.verdict().is_err());
    }

    #[test]
    fn few_seeds_may_go_without_a_judgement_and_all_are_named() {
        let mut totals = Totals::default();
        let ended = serde_json::json!({"failure": null, "notJudged": "it asserts too much"});
        totals.add(7, &ended);
        assert!(totals.verdict().is_ok());
        let shown = totals.shown(Duration::from_secs(60));
        assert!(shown.contains("NOT JUDGED  seed 7: it asserts too much\n"), "{shown}");
        totals.add(8, &ended);
        assert_eq!(totals.verdict().unwrap_err().to_string(), "2 of 2 seeds were not judged, more than 1");
        let checks: Value = JUDGED.iter().map(|name| ((*name).to_owned(), Value::from(1))).collect();
        let whole = serde_json::json!({"failure": null, "checks": checks});
        (9..109).for_each(|seed| totals.add(seed, &whole));
        assert!(totals.verdict().is_ok());
    }

    #[test]
    fn many_seeds_without_anything_to_judge_are_no_success() {
        let verdict = |left_out: &str, streams: u64| {
            let judged = JUDGED.iter().filter(|name| **name != left_out).map(|name| (*name, 1));
            let all = judged.chain([("streams that were read", streams)]);
            let checks: Value = all.map(|(name, count)| (name.to_owned(), Value::from(count))).collect();
            let mut totals = Totals::default();
            let report = serde_json::json!({"failure": null, "checks": checks});
            (0..SEEDS_TO_JUDGE).for_each(|seed| totals.add(seed, &report));
            totals.verdict().map_err(|error| error.to_string())
        };
        assert_eq!(verdict("", 1), Ok(()));
        assert_eq!(
            verdict("parties admitted", 1).unwrap_err(),
            "nothing was there to be judged by: parties admitted"
        );
        assert_eq!(verdict("", 0).unwrap_err(), "nothing was there to be judged by: streams that were read");
    }
}
