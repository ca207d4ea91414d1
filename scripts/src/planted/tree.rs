//! A copy of the tree to plant bugs in: only what changes is written, so that only that is built again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Bug;
use crate::process::{output_of, run};

/// A copy of a working tree.
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Makes `root` a copy of what git knows, or would add, of the tree at `from`, as it is now.
    pub fn copy(from: &Path, root: PathBuf) -> Result<Self> {
        let mut list = Command::new("git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(from);
        let listed = output_of(&mut list)?;
        let wanted: BTreeSet<&str> = listed.split('\0').filter(|path| from.join(path).is_file()).collect();
        for path in &wanted {
            copy_if_other(&from.join(path), &root.join(path))?;
        }
        for path in files_below(&root)? {
            let relative = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            if !wanted.contains(relative.as_str()) {
                fs::remove_file(&path)?;
            }
        }
        Ok(Self { root })
    }

    /// Plants a bug, lets something be done with the tree, and takes it out again.
    pub fn with<T>(&self, bug: &Bug, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        run(&mut apply(&self.root, bug))
            .with_context(|| format!("{} does not fit the tree any more", bug.name))?;
        let done = work(&self.root);
        run(apply(&self.root, bug).arg("--reverse"))?;
        done
    }

    /// The copy without a bug.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Applies a patch to a tree, whatever repository that may lie in.
fn apply(root: &Path, bug: &Bug) -> Command {
    let mut command = Command::new("git");
    command.args(["apply", "--whitespace=nowarn"]).arg(&bug.patch).current_dir(root);
    command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    command.env("GIT_CEILING_DIRECTORIES", root.parent().unwrap_or(root));
    command
}

/// Whether a patch fits a tree.
pub fn check(root: &Path, bug: &Bug) -> Result<()> {
    run(apply(root, bug).arg("--check"))
}

/// A file that is the same keeps its time: cargo goes by that.
fn copy_if_other(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}
