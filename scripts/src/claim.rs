//! One target folder serves every clone on a machine, one clone at a time.
//!
//! Cargo tells the sources of two clones apart by their times alone: without a claim, a clone would test what another
//! one has built.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Holds the path of the clone whose packages the target folder contains. Also the lock.
const FILE: &str = "holdfast-clone";

/// While this lives, no other clone changes the target folder.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

/// Takes the target folder for the clone at `root`, and calls `forget` first if another clone had it.
pub fn take(target: &Path, root: &Path, forget: impl Fn() -> Result<()>) -> Result<Claim> {
    fs::create_dir_all(target).with_context(|| format!("cannot make the folder {}", target.display()))?;
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(target.join(FILE))?;
    loop {
        file.lock_shared()?;
        if owner(&mut file)? == root {
            return Ok(Claim { _lock: file });
        }
        file.unlock()?;
        lock_alone(&mut file, target)?;
        if owner(&mut file)? != root {
            forget()?;
            file.rewind()?;
            file.set_len(0)?;
            file.write_all(root.as_os_str().as_bytes())?;
        }
        file.unlock()?;
    }
}

fn lock_alone(file: &mut File, target: &Path) -> Result<()> {
    if file.try_lock().is_err() {
        eprintln!("waiting for {}, which uses {}", owner(file)?.display(), target.display());
        file.lock()?;
    }
    Ok(())
}

fn owner(file: &mut File) -> Result<PathBuf> {
    let mut owner = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut owner)?;
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(&owner)))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn only_a_change_of_clones_forgets() {
        let target = tempfile::tempdir().unwrap();
        let forgotten = Cell::new(0);
        let take_for = |root: &str| {
            let forget = || {
                forgotten.set(forgotten.get() + 1);
                Ok(())
            };
            drop(take(target.path(), Path::new(root), forget).unwrap());
            forgotten.get()
        };
        assert_eq!(["/a", "/a", "/b", "/b/c", "/a"].map(take_for), [1, 1, 2, 3, 4]);
    }

    #[test]
    fn one_clone_may_use_it_twice_at_once() {
        let target = tempfile::tempdir().unwrap();
        let _first = take(target.path(), Path::new("/a"), || Ok(())).unwrap();
        take(target.path(), Path::new("/a"), || unreachable!("it is ours")).unwrap();
    }

    #[test]
    fn another_clone_waits() {
        let target = tempfile::tempdir().unwrap();
        let first_is_done = AtomicBool::new(false);
        let first = take(target.path(), Path::new("/a"), || Ok(())).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let forget = || {
                    assert!(first_is_done.load(Ordering::SeqCst));
                    Ok(())
                };
                take(target.path(), Path::new("/b"), forget).unwrap();
            });
            first_is_done.store(true, Ordering::SeqCst);
            drop(first);
        });
    }

    #[test]
    fn a_failed_forgetting_claims_nothing() {
        let target = tempfile::tempdir().unwrap();
        take(target.path(), Path::new("/a"), || anyhow::bail!("no space")).unwrap_err();
        let forgotten = Cell::new(false);
        let forget = || {
            forgotten.set(true);
            Ok(())
        };
        take(target.path(), Path::new("/a"), forget).unwrap();
        assert!(forgotten.get());
    }
}
