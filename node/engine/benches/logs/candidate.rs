//! What a log must offer to be compared.

use std::path::Path;

use bytes::Bytes;

/// Called when the entries are durable.
pub type Done = Box<dyn FnOnce() + Send>;

/// Opens or makes the log in a folder.
pub type Open = fn(&Path) -> Box<dyn Candidate>;

/// A log with one appender.
pub trait Candidate {
    /// Adds entries from this index on.
    fn append(&mut self, first: u64, entries: Vec<Bytes>, done: Done);

    /// Drops entries up to this index.
    fn purge(&mut self, upto: u64);

    /// Ends with everything written.
    fn close(self: Box<Self>);
}
