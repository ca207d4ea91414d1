//! Where builds are kept, so that a fresh clone finds them warm.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The folders that outlive a clone. They lie side by side.
#[derive(Debug, PartialEq, Eq)]
pub struct Caches {
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Finished RocksDB libraries, a folder each.
    pub rocksdb: PathBuf,
    /// Cargo's target folder for compiling them.
    pub rocksdb_build: PathBuf,
}

impl Caches {
    /// As the environment says: `CARGO_TARGET_DIR`, or a folder of ours in the user's cache folder.
    pub fn from_environment() -> Result<Self> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let target = match set("CARGO_TARGET_DIR") {
            Some(target) => std::path::absolute(target)?,
            None => set("XDG_CACHE_HOME")
                .filter(|folder| folder.is_absolute())
                .or_else(|| set("HOME").map(|home| home.join(".cache")))
                .context("neither HOME nor CARGO_TARGET_DIR is set, so there is no place for builds")?
                .join("holdfast/target"),
        };
        let beside = target.parent().unwrap_or(Path::new("/"));
        let (rocksdb, rocksdb_build) = (beside.join("rocksdb"), beside.join("rocksdb-build"));
        Ok(Self { target, rocksdb, rocksdb_build })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(variables: &[(&str, &str)], expected: Expect) {
        let find = |name: &str| variables.iter().find(|(set, _)| *set == name);
        let answer = match Caches::from_variables(|name| find(name).map(|(_, value)| value.into())) {
            Ok(Caches { target, rocksdb, rocksdb_build }) => {
                [target, rocksdb, rocksdb_build].map(|folder| folder.display().to_string()).join("\n")
            }
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&answer);
    }

    #[test]
    fn builds_are_kept_in_the_users_cache() {
        check(
            &[("HOME", "/home/ada"), ("CARGO_TARGET_DIR", "")],
            expect![[r#"
                /home/ada/.cache/holdfast/target
                /home/ada/.cache/holdfast/rocksdb
                /home/ada/.cache/holdfast/rocksdb-build"#]],
        );
    }

    #[test]
    fn the_cache_may_lie_elsewhere() {
        check(
            &[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "/fast")],
            expect![[r#"
                /fast/holdfast/target
                /fast/holdfast/rocksdb
                /fast/holdfast/rocksdb-build"#]],
        );
    }

    #[test]
    fn a_chosen_target_folder_comes_first() {
        check(
            &[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "/fast"), ("CARGO_TARGET_DIR", "/builds/target")],
            expect![[r#"
                /builds/target
                /builds/rocksdb
                /builds/rocksdb-build"#]],
        );
    }

    #[test]
    fn a_relative_cache_folder_does_not_count() {
        check(
            &[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "cache")],
            expect![[r#"
                /home/ada/.cache/holdfast/target
                /home/ada/.cache/holdfast/rocksdb
                /home/ada/.cache/holdfast/rocksdb-build"#]],
        );
    }

    #[test]
    fn without_a_home_it_says_so() {
        check(&[], expect!["neither HOME nor CARGO_TARGET_DIR is set, so there is no place for builds"]);
    }
}
