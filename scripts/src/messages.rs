//! Reads what cargo says with `--message-format=json`: one JSON object per line.

use std::path::PathBuf;

use serde_json::Value;

/// The program that a build made of the binary target `name`.
pub fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    find(messages, |message| {
        let is_ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
        is_ours.then(|| path(&message["executable"])).flatten()
    })
}

/// The folder in which the build script of `package` left its files.
pub fn out_dir(messages: &str, package: &str) -> Option<PathBuf> {
    let id_part = format!("#{package}@");
    find(messages, |message| {
        let is_ours = message["reason"] == "build-script-executed"
            && message["package_id"].as_str().is_some_and(|id| id.contains(&id_part));
        is_ours.then(|| path(&message["out_dir"])).flatten()
    })
}

fn find(messages: &str, wanted: impl Fn(&Value) -> Option<PathBuf>) -> Option<PathBuf> {
    messages.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(|message| wanted(&message))
}

fn path(value: &Value) -> Option<PathBuf> {
    value.as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = r#"
        {"reason":"compiler-artifact","target":{"kind":["lib"],"name":"holdfast"},"executable":null}
        {"reason":"build-script-executed","package_id":"registry+https://x#lz4-sys@1.11.1","out_dir":"/t/lz4/out"}
        {"reason":"build-script-executed","package_id":"registry+https://x#librocksdb-sys@0.19.0+11.8.1","out_dir":"/t/rocksdb/out"}
        {"reason":"compiler-artifact","target":{"kind":["bin"],"name":"holdfast"},"executable":"/t/release/holdfast"}
        warning: a line that is not JSON
        {"reason":"build-finished","success":true}
    "#;

    #[test]
    fn an_out_dir_is_found_by_its_package() {
        assert_eq!(out_dir(MESSAGES, "librocksdb-sys"), Some("/t/rocksdb/out".into()));
        assert_eq!(out_dir(MESSAGES, "rocksdb-sys"), None);
    }

    #[test]
    fn a_library_of_the_same_name_is_no_executable() {
        assert_eq!(executable(MESSAGES, "holdfast"), Some("/t/release/holdfast".into()));
        assert_eq!(executable(MESSAGES, "xtask"), None);
    }
}
