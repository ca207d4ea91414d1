//! `cargo xtask env`: the variables with which plain cargo finds what xtask has built.
//!
//! Plain cargo takes no claim, so only one clone should be worked on like this at a time.

use std::ffi::OsStr;
use std::io::{Write as _, stdout};

use anyhow::Result;

use crate::rocksdb;
use crate::setup::Setup;

pub fn run(setup: &Setup) -> Result<()> {
    rocksdb::prebuild(setup)?;
    for (name, value) in setup.variables() {
        writeln!(stdout(), "export {name}={}", quoted(&value))?;
    }
    Ok(())
}

/// As a shell reads it back, whatever is in it.
fn quoted(value: &OsStr) -> String {
    format!("'{}'", value.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_quoted_path_back() {
        assert_eq!(quoted(OsStr::new("/home/o'neil/a b")), r"'/home/o'\''neil/a b'");
    }
}
