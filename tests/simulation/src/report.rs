//! What became of a run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// The hash of all that happened.
    pub hash: u64,
    /// How much happened.
    pub events: u64,
    /// Simulated milliseconds.
    pub simulated_ms: u64,
    /// Faults by kind.
    pub faults: BTreeMap<String, u64>,
    /// Attempts of clients by operation.
    pub operations: BTreeMap<String, u64>,
    /// Answers by what they said.
    pub answers: BTreeMap<String, u64>,
    /// Checks by invariant.
    pub checks: BTreeMap<String, u64>,
    /// What broke; nothing if it held.
    pub failure: Option<String>,
}

impl Report {
    /// As one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "seed": self.seed,
            "hash": format!("{:016x}", self.hash),
            "events": self.events,
            "simulatedMs": self.simulated_ms,
            "faults": self.faults,
            "operations": self.operations,
            "answers": self.answers,
            "checks": self.checks,
            "failure": self.failure,
        })
    }
}
