//! No source file outside tests is too long to read in one go.

use super::LongFile;
use crate::sources::Source;

const LINES_MAX: usize = 400;

pub fn failures(sources: &[Source], long_files: &[LongFile]) -> Vec<String> {
    let is_listed = |source: &&Source| long_files.iter().any(|file| file.path == source.path);
    let (listed, others): (Vec<_>, Vec<_>) =
        sources.iter().filter(|source| !is_test(source)).partition(is_listed);
    let too_long = others.into_iter().filter(|source| lines(source) > LINES_MAX).map(|source| {
        let (path, lines) = (&source.path, lines(source));
        format!("{path} has {lines} lines. Find its second idea, or give a reason in LONG_FILES")
    });
    let is_needed =
        |file: &&LongFile| listed.iter().any(|source| source.path == file.path && lines(source) > LINES_MAX);
    let stale = long_files.iter().filter(|file| !is_needed(file)).map(|file| {
        format!("{} ({}) is no longer a long file. Remove it from LONG_FILES", file.path, file.reason)
    });
    too_long.chain(stale).collect()
}

fn lines(source: &Source) -> usize {
    source.text.lines().count()
}

fn is_test(source: &Source) -> bool {
    source.path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(sources: &[(&str, usize)], long_files: &[LongFile], expected: Expect) {
        let source =
            |(path, lines): &(&str, usize)| Source { path: (*path).into(), text: "\n".repeat(*lines) };
        let sources: Vec<_> = sources.iter().map(source).collect();
        expected.assert_eq(&failures(&sources, long_files).join("\n"));
    }

    #[test]
    fn a_file_has_400_lines_at_most() {
        check(
            &[("node/raft/src/replica.rs", 400), ("node/raft/src/log.rs", 401)],
            &[],
            expect![
                "node/raft/src/log.rs has 401 lines. Find its second idea, or give a reason in LONG_FILES"
            ],
        );
    }

    #[test]
    fn tests_may_be_long() {
        check(
            &[
                ("node/raft/tests/all.rs", 900),
                ("tests/model/src/lib.rs", 900),
                ("node/raft/src/tests.rs", 900),
            ],
            &[],
            expect![""],
        );
    }

    #[test]
    fn a_long_file_needs_a_reason_while_it_is_long() {
        const FILES: &[LongFile] = &[
            LongFile { path: "node/facade/src/routes.rs", reason: "one table" },
            LongFile { path: "node/facade/src/short.rs", reason: "once long" },
        ];
        check(
            &[("node/facade/src/routes.rs", 500), ("node/facade/src/short.rs", 50)],
            FILES,
            expect![
                "node/facade/src/short.rs (once long) is no longer a long file. Remove it from LONG_FILES"
            ],
        );
    }
}
