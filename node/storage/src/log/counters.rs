//! Figures about the log, for metrics and for deciding when to purge.

/// Counted since the log was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCounters {
    /// Records written: votes, entries, truncations, purges, committed hints.
    pub records: u64,
    /// Bytes of records and segment headers written; zeros in new segments are not among them.
    pub bytes: u64,
    /// Syncs of segments that made records durable.
    pub syncs: u64,
    /// Segments begun, and how many of them are purged ones used again.
    pub segments: u64,
    pub segments_recycled: u64,
    /// Syncs of the watermark.
    pub watermark_syncs: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogSize {
    /// Live entries.
    pub entries: u64,
    /// Of the live entries' records.
    pub entry_bytes: u64,
    /// Of all segment files: live, prepared and spare ones.
    pub file_bytes: u64,
}

/// What the writer tells the handles.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) counters: LogCounters,
    pub(super) file_bytes: u64,
}
