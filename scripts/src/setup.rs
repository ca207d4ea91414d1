//! What every command works with: the workspace, the caches, and cargo with the right environment.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::caches::Caches;
use crate::claim::{self, Claim};
use crate::process::run;
use crate::rocksdb::key;
use crate::workspace::{Workspace, cargo};

pub struct Setup {
    pub workspace: Workspace,
    pub caches: Caches,
    /// The folder with the RocksDB library that fits, built or not.
    pub rocksdb: PathBuf,
    _claim: Claim,
}

impl Setup {
    pub fn open() -> Result<Self> {
        let workspace = Workspace::read()?;
        let caches = Caches::from_environment()?;
        let rocksdb = caches.rocksdb.join(key::for_workspace(&workspace.root)?);
        let claim = claim::take(&caches.target, &workspace.root, || forget_members(&workspace, &caches))?;
        Ok(Self { workspace, caches, rocksdb, _claim: claim })
    }

    /// What makes cargo use our target folder and link the RocksDB that is compiled already.
    pub fn variables(&self) -> [(&'static str, OsString); 3] {
        [
            ("CARGO_TARGET_DIR", self.caches.target.clone().into()),
            ("ROCKSDB_LIB_DIR", self.rocksdb.clone().into()),
            ("ROCKSDB_STATIC", "1".into()),
        ]
    }

    /// A cargo command in the workspace's root.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = plain_cargo(&self.workspace);
        command.args(arguments).env_remove("ROCKSDB_COMPILE").envs(self.variables());
        command
    }
}

/// A cargo command in the workspace's root that builds what a shell's cargo would build.
pub fn plain_cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new(cargo());
    command.current_dir(&workspace.root);
    // The cargo that runs us describes this package; build scripts that watch such a variable would run again.
    for (name, _) in std::env::vars_os().filter(|(name, _)| describes_a_package(name)) {
        command.env_remove(name);
    }
    command
}

fn describes_a_package(variable: &OsStr) -> bool {
    let variable = variable.to_string_lossy();
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// Makes cargo build our packages anew, in both profiles; dependencies stay.
fn forget_members(workspace: &Workspace, caches: &Caches) -> Result<()> {
    for profile in [None, Some("--release")] {
        let mut clean = plain_cargo(workspace);
        clean.args(["clean", "--quiet", "--locked"]).args(profile).env("CARGO_TARGET_DIR", &caches.target);
        run(clean.args(workspace.packages.iter().flat_map(|package| ["--package", &package.name])))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_describes_a_package_is_taken_from_the_environment() {
        let variables = ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_HOME", "CARGO", "CXXFLAGS"];
        let taken = variables.map(|name| describes_a_package(OsStr::new(name)));
        assert_eq!(taken, [true, true, false, false, false]);
    }
}
