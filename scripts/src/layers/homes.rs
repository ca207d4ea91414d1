//! Each large dependency has one home, and the rules have almost no dependency at all.

use super::{HOMES, Home};
use crate::sources::Source;
use crate::workspace::{Dependency, Kind, Package, Workspace};

const RULES: &str = "node/reservations";
const RULES_MAY_USE: &[&str] = &["serde", "thiserror"];
const RULES_MAY_USE_IN_TESTS: &[&str] = &["proptest", "expect-test"];

/// The one file that names `bincode`.
const CODEC: &str = "node/storage/src/codec.rs";

pub fn failures(workspace: &Workspace) -> Vec<String> {
    let all = workspace
        .packages
        .iter()
        .flat_map(|package| package.dependencies.iter().map(move |dependency| (package, dependency)));
    all.filter_map(|(package, dependency)| {
        away_from_home(package, dependency).or_else(|| too_much_for_rules(package, dependency))
    })
    .collect()
}

fn away_from_home(package: &Package, dependency: &Dependency) -> Option<String> {
    let home = HOMES.iter().find(|home| home.covers(&dependency.name))?;
    let is_away = !home.folders.contains(&package.folder.as_str());
    is_away.then(|| {
        let (folder, name, homes) = (&package.folder, &dependency.name, home.folders.join(", "));
        format!("{folder} depends on {name}, whose home is {homes}. Use what that crate offers instead")
    })
}

impl Home {
    fn covers(&self, name: &str) -> bool {
        name.strip_prefix(self.dependency).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

fn too_much_for_rules(package: &Package, dependency: &Dependency) -> Option<String> {
    // What ours they may use is for the table of arrows.
    if package.folder != RULES || dependency.name.starts_with("holdfast-") {
        return None;
    }
    let name = dependency.name.as_str();
    let is_for_tests = dependency.kind == Kind::Dev && RULES_MAY_USE_IN_TESTS.contains(&name);
    let is_known = RULES_MAY_USE.contains(&name) || is_for_tests;
    (!is_known).then(|| {
        format!("{RULES} depends on {name}. The rules stay small enough to audit: do that work outside them")
    })
}

/// Stored bytes are made in one file, so that their format can be kept for ever.
pub fn failures_in_sources(sources: &[Source]) -> Vec<String> {
    let uses_bincode = |line: &str| {
        let code = line.split("//").next().unwrap_or(line);
        code.contains("bincode::") || code.contains("use bincode")
    };
    let others = sources.iter().filter(|source| source.path != CODEC && source.path.starts_with("node/"));
    let found = others.filter(|source| source.text.lines().any(uses_bincode));
    found.map(|source| format!("{} names bincode. Encode through {CODEC}", source.path)).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::layers::tests::workspace_from;

    fn check(workspace: &str, expected: Expect) {
        expected.assert_eq(&failures(&workspace_from(workspace)).join("\n"));
    }

    #[test]
    fn large_dependencies_stay_at_home() {
        check(
            "
            node/raft holdfast-raft uses openraft normal
            node/raft holdfast-raft uses openraft-rt-tokio normal
            node/engine holdfast-engine uses rocksdb normal
            node/facade holdfast-facade uses axum normal
            node/storage holdfast-storage uses bincode normal
            client holdfast-client uses tonic normal
            proto holdfast-proto uses tonic-prost-build build
            ",
            expect![""],
        );
    }

    #[test]
    fn a_large_dependency_away_from_home_is_found() {
        check(
            "
            node/leader holdfast-leader uses openraft-macros normal
            node/storage holdfast-storage uses rocksdb dev
            node/engine holdfast-engine uses bincode normal
            cluster holdfast-cluster uses axum normal
            cluster holdfast-cluster uses tonic normal
            cluster holdfast-cluster uses axumatic normal
            ",
            expect![[r#"
                node/leader depends on openraft-macros, whose home is node/raft. Use what that crate offers instead
                node/storage depends on rocksdb, whose home is node/engine. Use what that crate offers instead
                node/engine depends on bincode, whose home is node/storage. Use what that crate offers instead
                cluster depends on axum, whose home is node/facade. Use what that crate offers instead
                cluster depends on tonic, whose home is proto, node/raft, node/facade, client. Use what that crate offers instead"#]],
        );
    }

    #[test]
    fn the_rules_have_almost_no_dependency() {
        check(
            "
            node/reservations holdfast-reservations uses serde normal
            node/reservations holdfast-reservations uses proptest dev
            node/reservations holdfast-reservations uses proptest normal
            node/reservations holdfast-reservations uses rand dev
            ",
            expect![[r#"
                node/reservations depends on proptest. The rules stay small enough to audit: do that work outside them
                node/reservations depends on rand. The rules stay small enough to audit: do that work outside them"#]],
        );
    }

    #[test]
    fn one_file_names_bincode() {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let found = failures_in_sources(&[
            source(CODEC, "use bincode::config;"),
            source("node/storage/src/rows.rs", "// Not with bincode::encode_to_vec.\nfn encode() {}"),
            source("node/storage/src/log.rs", "fn encode() { bincode::serde::encode_to_vec() }"),
        ]);
        expect!["node/storage/src/log.rs names bincode. Encode through node/storage/src/codec.rs"]
            .assert_eq(&found.join("\n"));
    }
}
