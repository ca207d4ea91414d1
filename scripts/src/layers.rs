//! The table of STYLE.md, section 1: which of our folders may use which.
//!
//! The tables here are the rules; a change in them is a decision, to be made on that page too.

use anyhow::Result;

use crate::sources;
use crate::workspace::Workspace;

mod apply;
mod arrows;
mod files;
mod homes;

/// A folder of ours, and those of ours it may use.
pub struct Row {
    pub folder: &'static str,
    pub may_use: &'static [&'static str],
}

pub const TABLE: &[Row] = &[
    row("proto", &[]),
    row("codes", &[]),
    row("node/reservations", &[]),
    row("node/storage", &["node/reservations"]),
    row("node/engine", &["node/storage"]),
    row("node/raft", &["node/reservations", "node/storage", "proto"]),
    row("node/search", &["node/reservations"]),
    row("node/facade", &["node/reservations", "node/raft", "node/search", "proto", "codes"]),
    row("node/leader", &["node/reservations", "node/raft"]),
    row("node/server", ALL_OF_NODE_AND_CLUSTER),
    row("client", &["proto"]),
    row("cluster", &["client", "codes"]),
    row("tests/model", ALL_BUT_ENGINE_AND_SERVER),
    row("tests/simulation", ALL_BUT_ENGINE_AND_SERVER),
    row("tests/processes", ALL_BUT_ENGINE_AND_SERVER),
    row("jepsen", &["cluster", "client", "tests/model"]),
    row("scripts", &[]),
];

const ALL_OF_NODE_AND_CLUSTER: &[&str] = &[
    "node/reservations",
    "node/storage",
    "node/engine",
    "node/raft",
    "node/search",
    "node/facade",
    "node/leader",
    "cluster",
];

const ALL_BUT_ENGINE_AND_SERVER: &[&str] = &[
    "proto",
    "codes",
    "node/reservations",
    "node/storage",
    "node/raft",
    "node/search",
    "node/facade",
    "node/leader",
    "client",
    "cluster",
    "tests/model",
    "tests/simulation",
    "tests/processes",
];

/// A large dependency (and the packages named after it), and the only folders that may use it.
pub struct Home {
    pub dependency: &'static str,
    pub folders: &'static [&'static str],
}

pub const HOMES: &[Home] = &[
    home("openraft", &["node/raft"]),
    home("rocksdb", &["node/engine"]),
    home("librocksdb-sys", &["node/engine"]),
    home("axum", &["node/facade"]),
    home("bincode", &["node/storage"]),
    home("rcgen", &["node/raft", "cluster", "tests/processes"]),
    home("rustls", &["node/raft", "node/leader", "cluster"]),
    home("tokio-rustls", &["node/raft", "cluster", "tests/processes"]),
    home("x509-cert", &["node/raft"]),
    home("tonic", &["proto", "node/raft", "node/facade", "client"]),
    home("utoipa", &["node/facade"]),
    home("reqwest", &["node/leader"]),
    home("lettre", &["node/leader"]),
    home("ring", &["node/leader", "tests/processes"]),
];

/// Files that may be longer than the limit, each with its reason.
pub const LONG_FILES: &[LongFile] = &[LongFile {
    path: "node/reservations/src/rows.rs",
    reason: "one list: every key and row there is, in the order of the stored bytes",
}];

pub struct LongFile {
    pub path: &'static str,
    pub reason: &'static str,
}

const fn row(folder: &'static str, may_use: &'static [&'static str]) -> Row {
    Row { folder, may_use }
}

const fn home(dependency: &'static str, folders: &'static [&'static str]) -> Home {
    Home { dependency, folders }
}

impl Row {
    /// The name of the package in this folder.
    fn package(&self) -> String {
        format!("holdfast-{}", self.folder.rsplit('/').next().unwrap_or(self.folder))
    }
}

/// Everything in the workspace that breaks a rule, each with what to do about it.
pub fn failures(workspace: &Workspace) -> Result<Vec<String>> {
    let mut sources = Vec::new();
    for package in &workspace.packages {
        sources.extend(sources::below(&workspace.root, &package.folder)?);
    }
    let mut failures = arrows::failures(workspace);
    failures.extend(homes::failures(workspace));
    failures.extend(homes::failures_in_sources(&sources));
    failures.extend(files::failures(&sources, LONG_FILES));
    failures.extend(apply::failures(&sources));
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Dependency, Kind, Package};

    /// Reads lines such as `node/storage holdfast-storage uses bytes normal`.
    pub fn workspace_from(lines: &str) -> Workspace {
        let package = |line: &str| {
            let [folder, name, "uses", dependency, kind] = line.split_whitespace().collect::<Vec<_>>()[..]
            else {
                panic!("not understood: {line}");
            };
            let kind = match kind {
                "normal" => Kind::Normal,
                "build" => Kind::Build,
                "dev" => Kind::Dev,
                other => panic!("not understood: {other}"),
            };
            let dependency = Dependency { name: dependency.into(), kind, features: Vec::new() };
            Package { name: name.into(), folder: folder.into(), dependencies: vec![dependency] }
        };
        let lines = lines.lines().filter(|line| !line.trim().is_empty());
        Workspace { root: "/work".into(), packages: lines.map(package).collect() }
    }

    #[test]
    fn the_table_names_only_folders_of_its_own() {
        let folders: Vec<_> = TABLE.iter().map(|row| row.folder).collect();
        let used = TABLE.iter().flat_map(|row| row.may_use);
        let at_home = HOMES.iter().flat_map(|home| home.folders);
        for folder in used.chain(at_home) {
            assert!(folders.contains(folder), "{folder} has no row");
        }
    }

    #[test]
    fn arrows_point_one_way() {
        let may_use = |from: &str, to: &str| {
            TABLE
                .iter()
                .any(|row| row.folder == from && row.may_use.contains(&to) && !from.starts_with("tests/"))
        };
        for row in TABLE {
            for used in row.may_use {
                assert!(!may_use(used, row.folder), "{} and {used} use each other", row.folder);
            }
        }
    }
}
