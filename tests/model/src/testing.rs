//! Lets the checkers' tests read like a conversation: a history as text, and what a checker says of it.

use expect_test::Expect;

use crate::history::History;
use crate::violation::Violation;

/// Compares what a checker says of a history with what it should.
pub(crate) fn check(checker: fn(&History) -> Vec<Violation>, history: &str, expected: &Expect) {
    let history: History = history.parse().unwrap_or_else(|error| panic!("{error}"));
    let said: Vec<String> = checker(&history).iter().map(Violation::to_string).collect();
    expected.assert_eq(&said.join("\n"));
}
