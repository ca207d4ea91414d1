//! The simulator's workspace: its own, because everything in it is built for one thread and with every assertion on.

use std::path::PathBuf;
use std::process::Command;

use crate::setup::{Setup, plain_cargo};

const FOLDER: &str = "tests/simulation";

/// A cargo command there. Its folder has settings of its own for cargo, so nothing of the workspace's is passed on.
pub fn cargo(setup: &Setup, arguments: &[&str]) -> Command {
    let mut command = plain_cargo(&setup.workspace);
    command.current_dir(setup.workspace.root.join(FOLDER)).env("CARGO_TARGET_DIR", target(setup));
    command.args(arguments);
    command
}

/// Where it is built: beside the workspace's, which other flags would make cargo build anew.
pub fn target(setup: &Setup) -> PathBuf {
    setup.caches.target.join("simulation")
}
