//! Names a RocksDB library after everything that decides its bytes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::lock;
use crate::process::output_of;

/// The package whose build script compiles RocksDB.
pub const PACKAGE: &str = "librocksdb-sys";

/// The key of the library that this workspace needs on this machine.
pub fn for_workspace(root: &Path) -> Result<String> {
    let read =
        |path: &str| fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"));
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    key(&Ingredients {
        lock: &read("scripts/rocksdb/Cargo.lock")?,
        manifest: &read("scripts/rocksdb/Cargo.toml")?,
        configuration: &read(".cargo/config.toml")?,
        compiler: &output_of(Command::new(compiler).arg("--version"))?,
        machine: std::env::consts::ARCH,
    })
}

#[derive(Clone, Copy)]
struct Ingredients<'a> {
    lock: &'a str,
    manifest: &'a str,
    configuration: &'a str,
    compiler: &'a str,
    machine: &'a str,
}

fn key(ingredients: &Ingredients<'_>) -> Result<String> {
    let Ingredients { lock, manifest, configuration, compiler, machine } = *ingredients;
    let version = lock::version(lock, PACKAGE)?;
    let lz4_version = lock::version(lock, "lz4-sys")?;
    let flags = flags(configuration);
    let manifest = without_comments(manifest);
    let hash = fnv1a(&[lz4_version, &manifest, &flags, compiler, machine].join("\n"));
    Ok(format!("{version}-{hash:016x}"))
}

/// What reaches the compilers: all of cargo's configuration but our aliases.
fn flags(configuration: &str) -> String {
    let mut is_alias = false;
    let is_flag = |line: &&str| {
        if line.starts_with('[') {
            is_alias = *line == "[alias]";
        }
        !is_alias
    };
    without_comments(configuration).lines().filter(is_flag).collect::<Vec<_>>().join("\n")
}

fn without_comments(toml: &str) -> String {
    let lines = toml.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

/// FNV-1a: the same on every machine and with every version of Rust.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURATION: &str = "[alias]\nxtask = \"run\"\n\n[env]\nCXXFLAGS = \"-g\"\n";
    const INGREDIENTS: Ingredients<'_> = Ingredients {
        lock: r#"
            name = "librocksdb-sys"
            version = "0.19.0+11.8.1"

            name = "lz4-sys"
            version = "1.11.1"
        "#,
        manifest: "features = [\"lz4\"]",
        configuration: CONFIGURATION,
        compiler: "c++ 12.2.0",
        machine: "x86_64",
    };

    fn changed(configuration: &str) -> bool {
        key(&Ingredients { configuration, ..INGREDIENTS }).unwrap() != key(&INGREDIENTS).unwrap()
    }

    #[test]
    fn a_key_names_the_version() {
        assert!(key(&INGREDIENTS).unwrap().starts_with("0.19.0+11.8.1-"));
    }

    #[test]
    fn whatever_changes_the_library_changes_its_key() {
        let others = [
            Ingredients { manifest: "features = [\"zstd\"]", ..INGREDIENTS },
            Ingredients { compiler: "c++ 14.2.0", ..INGREDIENTS },
            Ingredients { machine: "aarch64", ..INGREDIENTS },
            Ingredients { lock: &INGREDIENTS.lock.replace("1.11.1", "1.12.0"), ..INGREDIENTS },
        ];
        for other in others {
            assert_ne!(key(&other).unwrap(), key(&INGREDIENTS).unwrap());
        }
        assert!(changed(&CONFIGURATION.replace("-g", "-O3")));
        assert!(changed(&format!("{CONFIGURATION}[target.x]\nrustflags = [\"-Ctarget-cpu=native\"]")));
    }

    #[test]
    fn aliases_and_comments_do_not_count() {
        assert!(!changed(&CONFIGURATION.replace("\"run\"", "\"run --quiet\"")));
        assert!(!changed(&CONFIGURATION.replace("[env]", "# For perf.\n[env]")));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }
}
