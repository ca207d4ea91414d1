//! What a checker found, for people.

use std::fmt;

use crate::history::Call;

/// Calls quoted for one violation; the rest of a crowd says no more.
const QUOTES_MAX: usize = 4;

/// Something that must not be, and the calls that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    says: String,
    quotes: Vec<String>,
}

impl Violation {
    pub(crate) fn new(says: impl Into<String>) -> Self {
        Self { says: says.into(), quotes: Vec::new() }
    }

    /// Quotes calls that show it.
    pub(crate) fn quoting<'a>(mut self, calls: impl IntoIterator<Item = &'a Call>) -> Self {
        let room = QUOTES_MAX.saturating_sub(self.quotes.len());
        self.quotes.extend(calls.into_iter().take(room).map(Call::to_string));
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.says)?;
        self.quotes.iter().try_for_each(|quote| write!(f, "\n    {quote}"))
    }
}
