//! Replicated time and the generations it divides the request table into.

use serde::{Deserialize, Serialize};

use crate::requests::{self, GENERATION_DURATION};
use crate::rows::{Key, Rows, Stored as _};
use crate::time::Timestamp;

/// What all nodes agree the time is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The latest moment any leader stamped on an entry.
    pub now: Timestamp,
    /// Which generation of request rows is being written.
    pub generation: u32,
    /// When this generation began.
    pub generation_started_at: Timestamp,
}

impl Clock {
    /// Moves time to a leader's stamp and starts a new generation of requests when the current one is old enough.
    pub(crate) fn advance(&mut self, proposed_at: Timestamp, rows: &mut impl Rows) {
        let is_first_entry = self.now == Timestamp::default();
        // INV-1: a new leader's clock may be behind; agreed time never goes back.
        self.now = self.now.max(proposed_at);
        if is_first_entry {
            self.generation_started_at = self.now;
        }
        if self.now.since(self.generation_started_at) >= GENERATION_DURATION {
            rows.delete_range(requests::generation_before(self.generation));
            rows.delete_range(requests::key_counts_before(self.generation));
            self.generation = self.generation.saturating_add(1);
            self.generation_started_at = self.now;
        }
        rows.set(Key::Clock, Some(self.into_row()));
    }
}
