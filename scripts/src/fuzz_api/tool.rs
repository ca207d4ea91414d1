//! Schemathesis in a Python environment of its own, installed when it is first needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::nodes::OPERATOR;
use crate::process::{run, succeeds};

/// A failure must not come from a newer one that checks more.
const VERSION: &str = "4.32.5";

/// Where its settings and hooks are, in the workspace.
const SETTINGS: &str = "scripts/fuzz_api";

/// The program, in a folder named after its version.
pub fn install(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join(format!("schemathesis-{VERSION}"));
    let program = environment.join("bin/schemathesis");
    if succeeds(Command::new(&program).arg("--version")) {
        return Ok(program);
    }
    fs::create_dir_all(folder)?;
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let wanted = format!("schemathesis=={VERSION}");
    run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", &wanted]))
        .context("schemathesis cannot be installed: it comes from PyPI")?;
    Ok(program)
}

/// How long and with what it calls.
pub struct Limits<'a> {
    pub seconds: u64,
    pub seed: Option<u64>,
    pub arguments: &'a [String],
}

/// Calls the API at `url` as its description says, and otherwise, with every check on.
pub fn call(program: &Path, root: &Path, url: &str, limits: &Limits<'_>, folder: &Path) -> Result<()> {
    let settings = root.join(SETTINGS);
    let mut command = Command::new(program);
    // It leaves files where it runs.
    command.current_dir(folder).arg("--config-file").arg(settings.join("schemathesis.toml"));
    command.args(["run", &format!("{url}/openapi.json")]);
    command.args(["--max-time", &limits.seconds.to_string(), "--suppress-health-check", "all"]);
    command.args(["--generation-database", ":memory:"]);
    if let Some(seed) = limits.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command.args(limits.arguments);
    command.env("HOLDFAST_FUZZ_HOOKS", settings.join("hooks.py"));
    command.env("HOLDFAST_FUZZ_URL", url);
    command.env("HOLDFAST_FUZZ_EMAIL", OPERATOR.email).env("HOLDFAST_FUZZ_PASSWORD", OPERATOR.password);
    run(&mut command)
}
