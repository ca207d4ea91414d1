//! `cargo xtask check`: whatever a machine can decide about the code, without running it.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::layers;
use crate::process::{run as run_process, succeeds};
use crate::rocksdb;
use crate::setup::Setup;
use crate::simulation;
use crate::steps::{OnFailure, Steps};

#[derive(Clone, Copy, clap::Args)]
pub struct Options {
    /// Repair what can be repaired: format, and lints that know their own cure
    #[arg(long)]
    pub fix: bool,
    /// Run every step, even after one failed
    #[arg(long)]
    pub keep_going: bool,
}

pub fn run(setup: &Setup, options: Options) -> Result<()> {
    let mut steps = Steps::new(if options.keep_going { OnFailure::KeepGoing } else { OnFailure::Stop });
    steps.run("format", || format(setup, options));
    steps.run("layers", || check_layers(setup));
    steps.run("rocksdb", || rocksdb::prebuild(setup));
    steps.run("lints", || lint(setup, options));
    steps.run("lints of the simulation", || lint_simulation(setup));
    steps.run("documentation", || document(setup));
    steps.run("licences and bans", || deny(setup));
    steps.finish()
}

fn format(setup: &Setup, options: Options) -> Result<()> {
    let check = (!options.fix).then_some("--check");
    run_process(setup.cargo(&["fmt", "--all"]).args(check))?;
    run_process(simulation::cargo(setup, &["fmt"]).args(check))
}

fn check_layers(setup: &Setup) -> Result<()> {
    let failures = layers::failures(&setup.workspace)?;
    ensure!(failures.is_empty(), "the layers are broken\n{}", failures.join("\n"));
    Ok(())
}

fn lint(setup: &Setup, options: Options) -> Result<()> {
    let mut clippy = setup.cargo(&["clippy", "--workspace", "--all-targets", "--locked"]);
    if options.fix {
        clippy.args(["--fix", "--allow-dirty", "--allow-staged"]);
    }
    clippy.args(options.keep_going.then_some("--keep-going"));
    run_process(clippy.args(["--", "--deny", "warnings"]))
}

fn lint_simulation(setup: &Setup) -> Result<()> {
    let mut clippy = simulation::cargo(setup, &["clippy", "--all-targets", "--locked"]);
    run_process(clippy.args(["--", "--deny", "warnings"]))
}

fn document(setup: &Setup) -> Result<()> {
    let mut doc = setup.cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    run_process(doc.env("RUSTDOCFLAGS", "--deny rustdoc::broken_intra_doc_links"))
}

fn deny(setup: &Setup) -> Result<()> {
    if !succeeds(&mut setup.cargo(&["deny", "--version"])) {
        eprintln!(
            "cargo-deny is not installed, so licences are not checked: cargo install --locked cargo-deny"
        );
        return Ok(());
    }
    run_process(&mut setup.cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"]))?;
    if !has_advisories() {
        eprintln!("there is no copy of the advisories here, so they are not checked: cargo deny fetch db");
        return Ok(());
    }
    run_process(&mut setup.cargo(&["deny", "--locked", "--offline", "check", "advisories"]))
}

/// Whether `cargo deny fetch` has left a database here; a check reaches for no network of its own accord.
fn has_advisories() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let databases = home.and_then(|home| home.join("advisory-dbs").read_dir().ok());
    databases.is_some_and(|mut databases| databases.next().is_some())
}
