//! `cargo xtask test`: every test, or with `--fast` those that need neither RocksDB nor processes.

use std::path::Path;

use anyhow::Result;

use super::build::{SERVER, build_release};
use crate::process::run as run_process;
use crate::rocksdb;
use crate::setup::Setup;
use crate::simulation;
use crate::steps::{OnFailure, Steps};

/// What `--fast` leaves out: these link RocksDB or start processes.
const SLOW: &[&str] = &["holdfast-engine", SERVER, "holdfast-processes"];

/// Also the binaries behind one that fails.
const TEST: [&str; 3] = ["test", "--locked", "--no-fail-fast"];

#[derive(clap::Args)]
pub struct Options {
    /// Leave out the packages that link RocksDB or start processes
    #[arg(long)]
    pub fast: bool,
    /// Passed on to `cargo test`, for example: -- -p holdfast-storage torn
    #[arg(last = true)]
    pub arguments: Vec<String>,
}

pub fn run(setup: &Setup, options: &Options) -> Result<()> {
    // One run shows all that fail.
    let mut steps = Steps::new(OnFailure::KeepGoing);
    if options.fast {
        steps.run("fast tests", || test_fast(setup, &options.arguments));
    } else if steps.run("rocksdb", || rocksdb::prebuild(setup)).is_some()
        && let Some(binary) = steps.run("release binary", || build_release(setup))
    {
        steps.run("tests", || test_all(setup, &binary, &options.arguments));
        if options.arguments.is_empty() {
            steps.run("tests of the simulation", || test_simulation(setup));
        }
    }
    steps.finish()
}

/// Tests that start processes find the program in `HOLDFAST_BIN`.
fn test_all(setup: &Setup, binary: &Path, arguments: &[String]) -> Result<()> {
    run_process(setup.cargo(&TEST).args(arguments).env("HOLDFAST_BIN", binary))
}

/// The simulator's own tests, and the stories it plays by name.
fn test_simulation(setup: &Setup) -> Result<()> {
    run_process(&mut simulation::cargo(setup, &TEST))
}

fn test_fast(setup: &Setup, arguments: &[String]) -> Result<()> {
    let mut test = setup.cargo(&TEST);
    test.arg("--workspace");
    for package in SLOW.iter().filter(|package| setup.workspace.has(package)) {
        test.args(["--exclude", package]);
    }
    run_process(test.args(arguments))
}
