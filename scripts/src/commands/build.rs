//! `cargo xtask build`: the release binary, its path on stdout.

use std::io::{Write as _, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::messages;
use crate::process::output_of;
use crate::rocksdb;
use crate::setup::Setup;

/// The package that holds the `holdfast` binary.
pub const SERVER: &str = "holdfast-server";

pub fn run(setup: &Setup) -> Result<()> {
    rocksdb::prebuild(setup)?;
    let binary = build_release(setup)?;
    writeln!(stdout(), "{}", binary.display())?;
    Ok(())
}

/// Builds `holdfast` as users run it. Prints progress, returns the binary's path.
pub fn build_release(setup: &Setup) -> Result<PathBuf> {
    let mut build = setup.cargo(&["build", "--release", "--locked", "--package", SERVER]);
    build.arg("--message-format=json-render-diagnostics");
    let built = output_of(&mut build)?;
    messages::executable(&built, "holdfast")
        .with_context(|| format!("{SERVER} was built, but it has no binary named holdfast"))
}
