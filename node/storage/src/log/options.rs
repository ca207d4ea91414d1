//! The log's sizes and its clock.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Large enough that beginning one is rare, small enough to purge in steps.
pub const SEGMENT_BYTES_DEFAULT: u32 = 16 * 1024 * 1024;

/// The header and a few records fit in any segment.
const SEGMENT_BYTES_MIN: u32 = 512;

/// Followers that keep up, and apply, read only this; the rest is read from the files.
pub const TAIL_BYTES_DEFAULT: u64 = 32 * 1024 * 1024;

/// What one purge frees and the next snapshot interval uses up, so that a steady log writes no zeros.
pub const SPARE_SEGMENTS_MAX_DEFAULT: usize = 8;

/// Time since any fixed moment; never goes back. It only paces the watermark's sync.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

#[derive(Clone)]
pub struct LogOptions {
    /// At least 512. An entry that does not fit gets a longer segment of its own.
    pub segment_bytes: u32,
    /// Newest entries kept in memory. Entries that are not yet written stay whatever their size.
    pub tail_bytes: u64,
    /// Purged segments kept to be used again.
    pub spare_segments_max: usize,
    pub clock: Clock,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            tail_bytes: TAIL_BYTES_DEFAULT,
            spare_segments_max: SPARE_SEGMENTS_MAX_DEFAULT,
            clock: Arc::new(since_first_call),
        }
    }
}

impl LogOptions {
    pub(super) fn segment_bytes(&self) -> u64 {
        u64::from(self.segment_bytes.max(SEGMENT_BYTES_MIN))
    }
}

impl fmt::Debug for LogOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogOptions")
            .field("segment_bytes", &self.segment_bytes)
            .field("tail_bytes", &self.tail_bytes)
            .field("spare_segments_max", &self.spare_segments_max)
            .finish_non_exhaustive()
    }
}

fn since_first_call() -> Duration {
    static FIRST_CALL: OnceLock<Instant> = OnceLock::new();
    FIRST_CALL.get_or_init(Instant::now).elapsed()
}
