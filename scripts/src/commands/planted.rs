//! `cargo xtask planted`: plants known bugs, one at a time, in a copy of the tree, and expects the simulator to find each.

use std::fs;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::planted::hunt::{Limits, Prey, check_of, hunt, passes};
use crate::planted::tree::Tree;
use crate::planted::{self, Bug};
use crate::process::run as run_process;
use crate::setup::{Setup, plain_cargo};

#[derive(clap::Args)]
pub struct Options {
    /// Only bugs whose names contain one of these
    pub names: Vec<String>,
    /// Give a bug up after so many seeds
    #[arg(long, default_value_t = 2000)]
    pub seeds: u64,
    /// Give a bug up after so many minutes
    #[arg(long, default_value_t = 30)]
    pub minutes: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Say only what there is
    #[arg(long)]
    pub list: bool,
}

/// Where a bug was found.
struct Row {
    name: String,
    found: Option<Find>,
}

struct Find {
    check: String,
    seeds: u64,
    seed: u64,
    says: String,
}

pub fn run(setup: &Setup, options: &Options) -> Result<()> {
    let bugs = planted::named(planted::all(&setup.workspace.root)?, &options.names)?;
    if options.list {
        for bug in &bugs {
            writeln!(stdout(), "{}  {}", bug.name, bug.what()?)?;
        }
        return Ok(());
    }
    let folder = setup.caches.target.join("planted");
    let tree = Tree::copy(&setup.workspace.root, folder.join("tree"))?;
    // Seeds that fail without a bug find none.
    let sound = folder.join("sound");
    fs::copy(build(setup, tree.root())?, &sound)?;
    let mut rows = Vec::new();
    for bug in bugs {
        eprintln!("==> {}: {}", bug.name, bug.what()?);
        let began_at = Instant::now();
        let found = tree.with(&bug, |root| find(setup, root, &sound, options))?;
        let seconds = began_at.elapsed().as_secs();
        match &found {
            Some(find) => {
                eprintln!("<== {} found at seed {} in {seconds} s: {}", bug.name, find.seed, find.says)
            }
            None => eprintln!("<== {} NOT FOUND in {seconds} s", bug.name),
        }
        rows.push(row(bug, found));
    }
    write!(stdout(), "{}", table(&rows))?;
    match rows.iter().filter(|row| row.found.is_none()).count() {
        0 => Ok(()),
        missed => bail!("{missed} of {} planted bugs were not found", rows.len()),
    }
}

fn row(bug: Bug, found: Option<Find>) -> Row {
    Row { name: bug.name, found }
}

/// Builds the simulator of a tree; its program.
fn build(setup: &Setup, root: &Path) -> Result<PathBuf> {
    let target = setup.caches.target.join("planted").join("target");
    let mut cargo = plain_cargo(&setup.workspace);
    // Its own folder has settings of its own.
    cargo.current_dir(root.join("tests/simulation"));
    run_process(cargo.args(["build", "--quiet", "--locked"]).env("CARGO_TARGET_DIR", &target))?;
    Ok(target.join("debug/holdfast-simulation"))
}

/// Hunts for the bug in a tree.
fn find(setup: &Setup, root: &Path, sound: &Path, options: &Options) -> Result<Option<Find>> {
    let simulator = build(setup, root)?;
    let cores = available_parallelism().map_or(1, |cores| cores.get() as u64);
    let ends_at = Instant::now() + Duration::from_secs(options.minutes * 60);
    let (mut first, end) = (options.seed, options.seed + options.seeds);
    while first < end {
        let duration = ends_at.saturating_duration_since(Instant::now());
        let limits = Limits { first, seeds: end - first, duration, cores };
        let Prey::Found { seed, says } = hunt(&simulator, limits)? else { return Ok(None) };
        if passes(sound, seed)? {
            let check = check_of(&says).to_owned();
            let says = says.lines().next().unwrap_or_default().to_owned();
            return Ok(Some(Find { check, seeds: seed - options.seed + 1, seed, says }));
        }
        eprintln!("    seed {seed} fails without the bug, too: {says}");
        first = seed + 1;
    }
    Ok(None)
}

fn table(rows: &[Row]) -> String {
    let line = |row: &Row| match &row.found {
        Some(find) => format!("| {} | {} | {} |\n", row.name, find.check, find.seeds),
        None => format!("| {} | **not found** | |\n", row.name),
    };
    let lines: String = rows.iter().map(line).collect();
    format!("| bug | found by | at seed number |\n| --- | --- | --- |\n{lines}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_bug_that_was_not_found_stands_out() {
        let find = Find { check: "log matching".to_owned(), seeds: 3, seed: 3, says: String::new() };
        let rows = [
            Row { name: "01-one".to_owned(), found: Some(find) },
            Row { name: "02-two".to_owned(), found: None },
        ];
        expect![[r#"
            | bug | found by | at seed number |
            | --- | --- | --- |
            | 01-one | log matching | 3 |
            | 02-two | **not found** | |
        "#]]
        .assert_eq(&table(&rows));
    }
}
