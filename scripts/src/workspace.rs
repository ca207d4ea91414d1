//! The workspace as cargo describes it: our packages, their folders, and what they depend on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::output_of;

#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    pub packages: Vec<Package>,
}

#[derive(Debug)]
pub struct Package {
    pub name: String,
    /// Relative to the root, as in `node/storage`.
    pub folder: String,
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug)]
pub struct Dependency {
    pub name: String,
    pub kind: Kind,
    pub features: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Normal,
    Build,
    /// For tests only.
    Dev,
}

impl Workspace {
    /// The workspace this program belongs to.
    pub fn read() -> Result<Self> {
        // Cargo sets this for what it runs; a program built from another clone must not check that clone.
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let package = package.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let root = package.parent().context("the scripts lie in no folder")?;
        Self::read_at(root)
    }

    /// The workspace at `root`. Asks for no dependency's own data, so it needs neither lock file nor network.
    pub fn read_at(root: &Path) -> Result<Self> {
        let mut metadata = Command::new(cargo());
        metadata.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(root);
        Self::from_metadata(&output_of(&mut metadata)?)
    }

    /// Reads what `cargo metadata` prints.
    pub fn from_metadata(metadata: &str) -> Result<Self> {
        let metadata: Value = serde_json::from_str(metadata).context("cargo metadata printed no JSON")?;
        let root = PathBuf::from(text(&metadata["workspace_root"]));
        let packages = items(&metadata["packages"]).map(|package| Package::from_metadata(package, &root));
        Ok(Self { packages: packages.collect::<Result<_>>()?, root })
    }

    pub fn has(&self, name: &str) -> bool {
        self.package(name).is_some()
    }

    pub fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    fn from_metadata(package: &Value, root: &Path) -> Result<Self> {
        let manifest = Path::new(text(&package["manifest_path"]));
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let folder = folder.with_context(|| format!("{} lies outside the workspace", manifest.display()))?;
        Ok(Self {
            name: text(&package["name"]).to_owned(),
            folder: folder.display().to_string(),
            dependencies: items(&package["dependencies"]).map(Dependency::from_metadata).collect(),
        })
    }
}

impl Dependency {
    fn from_metadata(dependency: &Value) -> Self {
        let kind = match dependency["kind"].as_str() {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            Some(_) | None => Kind::Normal,
        };
        let features = items(&dependency["features"]).map(|feature| text(feature).to_owned()).collect();
        Self { name: text(&dependency["name"]).to_owned(), kind, features }
    }
}

/// The cargo that runs us, or the one in the path.
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_becomes_packages() {
        let workspace = Workspace::from_metadata(
            r#"{
                "workspace_root": "/work",
                "packages": [{
                    "name": "holdfast-engine",
                    "manifest_path": "/work/node/engine/Cargo.toml",
                    "dependencies": [
                        {"name": "rocksdb", "kind": null, "features": ["lz4"]},
                        {"name": "tempfile", "kind": "dev", "features": []}
                    ]
                }]
            }"#,
        )
        .unwrap();
        let engine = workspace.package("holdfast-engine").unwrap();
        assert_eq!(engine.folder, "node/engine");
        assert_eq!(engine.dependencies[0].kind, Kind::Normal);
        assert_eq!(engine.dependencies[0].features, ["lz4"]);
        assert_eq!(engine.dependencies[1].kind, Kind::Dev);
        assert!(!workspace.has("holdfast-raft"));
    }

    #[test]
    fn a_package_outside_the_root_is_refused() {
        let metadata = r#"{"workspace_root": "/work", "packages": [{"manifest_path": "/else/Cargo.toml"}]}"#;
        let error = Workspace::from_metadata(metadata).unwrap_err();
        assert_eq!(error.to_string(), "/else/Cargo.toml lies outside the workspace");
    }
}
