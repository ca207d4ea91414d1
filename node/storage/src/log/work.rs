//! What the writer is asked to write, and how it answers.

use std::io;
use std::mem;
use std::sync::Arc;

use super::entry::{Entry, LogId, Vote};
use super::record::entry_record_bytes;

/// Called once, with the outcome of the sync that covers the write. It must not block: the writer waits for it.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

pub(super) enum Work {
    Append {
        append: u64,
        entries: Vec<Entry>,
        done: Done,
    },
    Vote {
        vote: Vote,
        done: Done,
    },
    /// What is last from now on.
    Truncate(Option<LogId>),
    Purge(LogId),
}

impl Work {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Work::Append { entries, .. } => bytes_of(entries),
            Work::Vote { .. } | Work::Truncate(_) | Work::Purge(_) => 0,
        }
    }

    pub(super) fn needs_sync(&self) -> bool {
        match self {
            Work::Append { .. } | Work::Vote { .. } => true,
            // It is in order before all that comes later, and that is all it needs.
            Work::Truncate(_) => false,
            // Rare, and files can only go once it is durable.
            Work::Purge(_) => true,
        }
    }

    fn answer(self, result: io::Result<()>) {
        match self {
            Work::Append { done, .. } | Work::Vote { done, .. } => done(result),
            Work::Truncate(_) | Work::Purge(_) => (),
        }
    }
}

pub(super) fn bytes_of(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry_record_bytes(entry) as u64).sum()
}

/// What the writer takes at once. If it is dropped without an answer, the answer is an error.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) works: Vec<Work>,
    pub(super) committed: Option<Option<LogId>>,
}

impl Batch {
    /// Answers everything in order and gives back the empty vector.
    pub(super) fn succeed(mut self) -> Vec<Work> {
        let mut works = mem::take(&mut self.works);
        works.drain(..).for_each(|work| work.answer(Ok(())));
        works
    }

    pub(super) fn fail(mut self, failure: &Failure) {
        self.works.drain(..).for_each(|work| work.answer(Err(failure.error())));
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.works.drain(..).for_each(|work| work.answer(Err(Failure::writer_gone().error())));
    }
}

/// Why the log stopped; every later call gets it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    kind: io::ErrorKind,
    message: Arc<str>,
}

impl Failure {
    pub(super) fn new(error: &io::Error) -> Self {
        Self { kind: error.kind(), message: error.to_string().into() }
    }

    pub(super) fn writer_gone() -> Self {
        Self { kind: io::ErrorKind::BrokenPipe, message: "the log's writer is gone".into() }
    }

    pub(super) fn queue_full() -> Self {
        Self {
            kind: io::ErrorKind::QuotaExceeded,
            message: "the log's queue is full: its disk is too slow".into(),
        }
    }

    pub(super) fn error(&self) -> io::Error {
        io::Error::new(self.kind, Arc::clone(&self.message).to_string())
    }
}
