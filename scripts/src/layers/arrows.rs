//! Every dependency between our crates is in the table.

use super::{Row, TABLE};
use crate::workspace::{Dependency, Kind, Package, Workspace};

pub fn failures(workspace: &Workspace) -> Vec<String> {
    workspace.packages.iter().flat_map(failures_of).collect()
}

fn failures_of(package: &Package) -> Vec<String> {
    let Some(row) = TABLE.iter().find(|row| row.folder == package.folder) else {
        return vec![format!(
            "{} in {} is not in the table. Add a row to the table in scripts/src/layers.rs and in STYLE.md",
            package.name, package.folder
        )];
    };
    if package.name != row.package() {
        return vec![format!("{} is named {}. Name it {}", package.folder, package.name, row.package())];
    }
    let ours = package.dependencies.iter().filter(|dependency| dependency.name.starts_with("holdfast-"));
    let forbidden = ours.filter(|dependency| !is_allowed(row, dependency));
    forbidden.map(|dependency| refusal(row, dependency)).collect()
}

fn is_allowed(row: &Row, dependency: &Dependency) -> bool {
    let Some(used) = row_of(dependency) else { return false };
    let in_tests = used.folder == row.folder || used.folder.starts_with("tests/");
    row.may_use.contains(&used.folder) || (dependency.kind == Kind::Dev && in_tests)
}

fn refusal(row: &Row, dependency: &Dependency) -> String {
    let used = row_of(dependency).map_or(dependency.name.as_str(), |used| used.folder);
    let when = match dependency.kind {
        Kind::Normal => "",
        Kind::Build => " to build",
        Kind::Dev => " in its tests",
    };
    format!(
        "{} uses {used}{when}, which the table forbids. Remove the dependency, \
         or decide on the new arrow in scripts/src/layers.rs and STYLE.md",
        row.folder
    )
}

fn row_of(dependency: &Dependency) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.package() == dependency.name)
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
    fn arrows_in_the_table_are_allowed() {
        check(
            "
            node/storage holdfast-storage uses holdfast-reservations normal
            node/server holdfast-server uses holdfast-cluster normal
            cluster holdfast-cluster uses holdfast-client normal
            tests/processes holdfast-processes uses holdfast-model normal
            ",
            expect![""],
        );
    }

    #[test]
    fn an_arrow_the_other_way_is_found() {
        check(
            "node/reservations holdfast-reservations uses holdfast-storage normal",
            expect![
                "node/reservations uses node/storage, which the table forbids. Remove the dependency, or decide on the new arrow in scripts/src/layers.rs and STYLE.md"
            ],
        );
    }

    #[test]
    fn building_counts_like_using() {
        check(
            "client holdfast-client uses holdfast-raft build",
            expect![
                "client uses node/raft to build, which the table forbids. Remove the dependency, or decide on the new arrow in scripts/src/layers.rs and STYLE.md"
            ],
        );
    }

    #[test]
    fn tests_may_use_test_crates_and_their_own_features() {
        check(
            "
            node/storage holdfast-storage uses holdfast-storage dev
            node/facade holdfast-facade uses holdfast-simulation dev
            node/facade holdfast-facade uses holdfast-engine dev
            node/facade holdfast-facade uses holdfast-model normal
            ",
            expect![[r#"
                node/facade uses node/engine in its tests, which the table forbids. Remove the dependency, or decide on the new arrow in scripts/src/layers.rs and STYLE.md
                node/facade uses tests/model, which the table forbids. Remove the dependency, or decide on the new arrow in scripts/src/layers.rs and STYLE.md"#]],
        );
    }

    #[test]
    fn tests_do_not_use_the_engine_or_the_server() {
        check(
            "
            tests/simulation holdfast-simulation uses holdfast-engine normal
            tests/processes holdfast-processes uses holdfast-server dev
            ",
            expect![[r#"
                tests/simulation uses node/engine, which the table forbids. Remove the dependency, or decide on the new arrow in scripts/src/layers.rs and STYLE.md
                tests/processes uses node/server in its tests, which the table forbids. Remove the dependency, or decide on the new arrow in scripts/src/layers.rs and STYLE.md"#]],
        );
    }

    #[test]
    fn a_new_package_needs_a_row() {
        check(
            "node/payments holdfast-payments uses serde normal",
            expect![
                "holdfast-payments in node/payments is not in the table. Add a row to the table in scripts/src/layers.rs and in STYLE.md"
            ],
        );
    }

    #[test]
    fn packages_are_named_after_their_folders() {
        check(
            "node/raft holdfast-consensus uses serde normal",
            expect!["node/raft is named holdfast-consensus. Name it holdfast-raft"],
        );
    }

    #[test]
    fn a_crate_of_ours_without_a_row_may_not_be_used() {
        check(
            "node/raft holdfast-raft uses holdfast-payments normal",
            expect![
                "node/raft uses holdfast-payments, which the table forbids. Remove the dependency, or decide on the new arrow in scripts/src/layers.rs and STYLE.md"
            ],
        );
    }
}
