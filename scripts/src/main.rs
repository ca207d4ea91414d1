//! `cargo xtask`: the one way to check, test and run.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use holdfast_scripts::commands::{build, check, env, fuzz_api, planted, simulate, test};
use holdfast_scripts::setup::Setup;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The one way to check, test and run Holdfast")]
enum Xtask {
    /// Format, layers, lints, documentation and licences
    Check(check::Options),
    /// Run the tests
    Test(test::Options),
    /// Simulate clusters under faults, seed after seed
    Simulate(simulate::Options),
    /// Plant known bugs in a copy of the tree; the simulator must find each
    Planted(planted::Options),
    /// Call a local cluster as the description of its API says, and otherwise; nothing undocumented may come back
    FuzzApi(fuzz_api::Options),
    /// Build the holdfast binary in release and print its path
    Build,
    /// Print what plain cargo needs: eval "$(cargo xtask env)"
    Env,
}

fn main() -> ExitCode {
    match run(Xtask::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Without the backtrace: what failed has already said where.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(xtask: Xtask) -> Result<()> {
    let setup = Setup::open()?;
    match xtask {
        Xtask::Check(options) => check::run(&setup, options),
        Xtask::Test(options) => test::run(&setup, &options),
        Xtask::Simulate(options) => simulate::run(&setup, &options),
        Xtask::Planted(options) => planted::run(&setup, &options),
        Xtask::FuzzApi(options) => fuzz_api::run(&setup, &options),
        Xtask::Build => build::run(&setup),
        Xtask::Env => env::run(&setup),
    }
}
