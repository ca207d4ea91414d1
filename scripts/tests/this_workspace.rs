//! The workspace keeps its own rules.

use std::fs;

use holdfast_scripts::layers;
use holdfast_scripts::rocksdb::lock;
use holdfast_scripts::workspace::Workspace;

#[test]
fn folders_are_the_architecture() {
    let workspace = Workspace::read().unwrap();
    assert_eq!(layers::failures(&workspace).unwrap().join("\n"), "");
}

#[test]
fn the_prebuilt_library_is_the_one_the_workspace_links() {
    let root = Workspace::read().unwrap().root;
    let main = fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let prebuilt = fs::read_to_string(root.join("scripts/rocksdb/Cargo.lock")).unwrap();
    for package in ["librocksdb-sys", "lz4-sys"] {
        assert_eq!(
            lock::version(&prebuilt, package).unwrap(),
            lock::version(&main, package).unwrap(),
            "change the version in scripts/rocksdb/Cargo.toml, then run \
             cargo update --manifest-path scripts/rocksdb/Cargo.toml --package {package} --precise VERSION"
        );
    }
}

#[test]
fn the_prebuilt_library_has_the_features_the_workspace_asks_for() {
    let workspace = Workspace::read().unwrap();
    let prebuilt = Workspace::read_at(&workspace.root.join("scripts/rocksdb")).unwrap();
    let mut asked = features(&workspace, "holdfast-engine", "rocksdb").unwrap();
    // `rocksdb` itself always asks for this one.
    asked.push("static".to_owned());
    asked.sort();
    assert_eq!(features(&prebuilt, "holdfast-rocksdb-library", "librocksdb-sys"), Some(asked));
}

fn features(workspace: &Workspace, package: &str, dependency: &str) -> Option<Vec<String>> {
    let dependencies = &workspace.package(package)?.dependencies;
    let mut features = dependencies.iter().find(|found| found.name == dependency)?.features.clone();
    features.sort();
    Some(features)
}
