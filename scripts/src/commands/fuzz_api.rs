//! `cargo xtask fuzz-api`: schemathesis against a local cluster of the release binary, with every check on.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::build::build_release;
use crate::fuzz_api::nodes::Nodes;
use crate::fuzz_api::tool::{self, Limits};
use crate::rocksdb;
use crate::setup::Setup;

const NODES: usize = 3;

#[derive(clap::Args)]
pub struct Options {
    /// How long to call
    #[arg(long, default_value_t = 2)]
    pub minutes: u64,
    /// Generate what a run with this seed generated
    #[arg(long)]
    pub seed: Option<u64>,
    /// The program to call instead of building it
    #[arg(long, env = "HOLDFAST_BIN", value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// Passed on to schemathesis, for example: -- --include-path /v1/venues
    #[arg(last = true)]
    pub arguments: Vec<String>,
}

pub fn run(setup: &Setup, options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => {
            rocksdb::prebuild(setup)?;
            build_release(setup)?
        }
    };
    let folder = setup.caches.target.join("fuzz-api");
    let program = tool::install(&folder)?;
    let cluster = folder.join("cluster");
    if cluster.exists() {
        fs::remove_dir_all(&cluster)?;
    }
    let mut nodes = Nodes::start(&binary, &cluster, NODES)?;
    let limits = Limits { seconds: options.minutes * 60, seed: options.seed, arguments: &options.arguments };
    let called = tool::call(&program, &setup.workspace.root, &nodes.url()?, &limits, &folder);
    // A node that was called to death is the worse news.
    nodes.expect_alive().and(called)
}
