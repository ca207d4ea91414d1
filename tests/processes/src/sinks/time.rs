//! The clock of sinks: the machine's, and beside it what a test lets tokio's clock pass.

use jiff::Timestamp;

/// What it shows now. Sinks judge what is signed by it, and senders that are tested without a node get it as agreed time.
///
/// # Panics
///
/// If the machine's clock is out of all range.
#[must_use]
pub fn now() -> Timestamp {
    let passed = tokio::time::Instant::now().into_std().saturating_duration_since(std::time::Instant::now());
    Timestamp::now().checked_add(passed).unwrap()
}
