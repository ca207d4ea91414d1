//! Compiles RocksDB's C++ once and keeps the library outside the workspace's dependency graph.
//!
//! Inside it, cargo would compile for ten minutes again whenever another dependency's features change.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::messages;
use crate::process::output_of;
use crate::setup::{Setup, plain_cargo};

pub mod key;
pub mod lock;

const LIBRARY: &str = "librocksdb.a";

/// Makes sure that the library is there.
pub fn prebuild(setup: &Setup) -> Result<()> {
    let library = setup.rocksdb.join(LIBRARY);
    if library.exists() {
        return Ok(());
    }
    eprintln!("compiling RocksDB, once for this machine: about ten minutes on two cores");
    let built = with_heartbeat(|| compile(setup))?;
    let folder =
        messages::out_dir(&built, key::PACKAGE).context("cargo did not say where RocksDB was built")?;
    keep(&folder.join(LIBRARY), &library)
}

/// The settings are those of the repository alone, because the library is named after them.
fn compile(setup: &Setup) -> Result<String> {
    let mut build = plain_cargo(&setup.workspace);
    build.args(["build", "--release", "--locked", "--message-format=json-render-diagnostics"]);
    build
        .args(["--manifest-path", "scripts/rocksdb/Cargo.toml", "--target-dir"])
        .arg(&setup.caches.rocksdb_build);
    for flags in ["CXXFLAGS", "CFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        build.env_remove(flags);
    }
    // Even where the user's own cargo configuration names a library.
    output_of(build.env("ROCKSDB_COMPILE", "1"))
}

/// Copies the library so that it is there whole or not at all.
fn keep(built: &Path, library: &Path) -> Result<()> {
    let partial = library.with_extension(format!("a.{}", std::process::id()));
    let copy = || -> Result<()> {
        fs::create_dir_all(library.parent().context("a library lies in a folder")?)?;
        fs::copy(built, &partial)?;
        fs::File::open(&partial)?.sync_all()?;
        Ok(fs::rename(&partial, library)?)
    };
    copy().with_context(|| format!("cannot copy {} to {}", built.display(), library.display()))
}

/// Says every minute that work goes on, because cargo is silent while one build script runs.
fn with_heartbeat<T>(work: impl FnOnce() -> T) -> T {
    let (done, is_done) = sync_channel::<()>(1);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut minutes = 0;
            while is_done.recv_timeout(Duration::from_mins(1)) == Err(RecvTimeoutError::Timeout) {
                minutes += 1;
                eprintln!("still compiling RocksDB after {minutes} min");
            }
        });
        let result = work();
        drop(done);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_library_is_whole_and_alone() {
        let cache = tempfile::tempdir().unwrap();
        let (built, library) = (cache.path().join("built.a"), cache.path().join("0.19.0-abc").join(LIBRARY));
        fs::write(&built, "objects").unwrap();
        keep(&built, &library).unwrap();
        assert_eq!(fs::read_to_string(&library).unwrap(), "objects");
        assert_eq!(fs::read_dir(library.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_library_that_was_not_built_is_named() {
        let cache = tempfile::tempdir().unwrap();
        let error = keep(Path::new("/nowhere/librocksdb.a"), &cache.path().join(LIBRARY)).unwrap_err();
        assert!(error.to_string().starts_with("cannot copy /nowhere/librocksdb.a to "));
    }

    #[test]
    fn a_heartbeat_ends_with_the_work() {
        assert_eq!(with_heartbeat(|| 7), 7);
    }
}
