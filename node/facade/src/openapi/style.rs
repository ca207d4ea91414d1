//! How the problems of a group of calls are written.

use serde_json::Value;

use super::codes::{Code, MALFORMED, RATE_LIMITED};

/// How problems are written.
pub(super) enum Style {
    /// As RFC 9457 has it.
    Problem,
    /// As a seed has it.
    Seed(Seed),
}

/// A seed's own way.
pub(super) struct Seed {
    /// Sets its answers apart from others.
    pub(super) name: &'static str,
    /// A problem with this code.
    pub(super) example: fn(Code) -> Value,
    /// What problems with these codes have in common.
    pub(super) schema: fn(&[Code]) -> Value,
}

impl Style {
    /// What names of shared answers begin with.
    pub(super) fn prefix(&self) -> String {
        match self {
            Self::Problem => String::new(),
            Self::Seed(seed) => format!("{}.", seed.name),
        }
    }
}

/// What surrounds every call knows of no seed: its problems are in the common words, whatever the path.
pub(super) fn is_told_in_common(code: Code) -> bool {
    is_told_in_common_only(code) || [MALFORMED, RATE_LIMITED].contains(&code)
}

/// Nobody else tells this.
pub(super) fn is_told_in_common_only(code: Code) -> bool {
    matches!(code.status, 414 | 431)
}
