//! Reads versions from a `Cargo.lock`.

use anyhow::{Result, bail};

/// The version of a package that is locked exactly once.
pub fn version<'a>(lock: &'a str, package: &str) -> Result<&'a str> {
    let name = format!("name = \"{package}\"");
    let lines = lock.lines().map(str::trim);
    let followers = lines.clone().skip(1);
    let versions = lines.zip(followers).filter(|(line, _)| *line == name).filter_map(|(_, next)| {
        next.strip_prefix("version = \"").and_then(|version| version.strip_suffix('"'))
    });
    match versions.collect::<Vec<_>>()[..] {
        [version] => Ok(version),
        [] => bail!("{package} is not in Cargo.lock"),
        [..] => bail!("{package} is in Cargo.lock in more than one version"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const LOCK: &str = r#"
        [[package]]
        name = "lz4-sys"
        version = "1.11.1+lz4-1.10.0"

        [[package]]
        name = "rand"
        version = "0.8.8"

        [[package]]
        name = "rand"
        version = "0.10.3"
    "#;

    fn check(package: &str, expected: Expect) {
        match version(LOCK, package) {
            Ok(version) => expected.assert_eq(version),
            Err(error) => expected.assert_eq(&error.to_string()),
        }
    }

    #[test]
    fn a_version_is_found_or_the_reason_told() {
        check("lz4-sys", expect!["1.11.1+lz4-1.10.0"]);
        check("lz4", expect!["lz4 is not in Cargo.lock"]);
        check("rand", expect!["rand is in Cargo.lock in more than one version"]);
    }
}
