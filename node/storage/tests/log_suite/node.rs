//! One log, on any disk, with its writer run by hand.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use holdfast_storage::files::Files;
use holdfast_storage::log::{Done, Entry, Log, LogId, LogOptions, OpenError, Payload};

pub const GROUP: u32 = 1;

pub struct Node<F: Files> {
    pub files: F,
    pub root: PathBuf,
    pub log: Log<F>,
    writer: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
    /// What was answered, in order.
    answers: Arc<Mutex<Vec<String>>>,
    pub error: Option<io::Error>,
}

/// Small, so that a few entries fill a segment and leave memory. Every third batch syncs the watermark.
pub fn small() -> LogOptions {
    let now = AtomicU64::new(0);
    let clock = move || Duration::from_millis(now.fetch_add(400, Ordering::Relaxed));
    LogOptions { segment_bytes: 1024, tail_bytes: 300, spare_segments_max: 2, clock: Arc::new(clock) }
}

pub fn dir(root: &Path) -> PathBuf {
    root.join("log")
}

pub fn watermark_path(root: &Path) -> PathBuf {
    root.join("log.watermark")
}

pub fn segment_path(root: &Path, number: u64) -> PathBuf {
    dir(root).join(format!("{number:020}.log"))
}

impl<F: Files> Node<F> {
    pub fn open(files: &F, root: &Path, options: LogOptions) -> Result<Node<F>, OpenError> {
        let opening = Log::open(files.clone(), dir(root), watermark_path(root), GROUP, options);
        let (log, writer) = at_once(opening)?;
        let (files, root) = (files.clone(), root.to_owned());
        let writer = Some(Box::pin(writer.run()) as _);
        Ok(Node { files, root, log, writer, answers: Arc::default(), error: None })
    }

    /// As after a kill: the writer is gone in the middle, the disk is as it is.
    pub fn reopen(self, options: LogOptions) -> Result<Node<F>, OpenError> {
        let (files, root) = (self.files.clone(), self.root.clone());
        drop(self);
        Node::open(&files, &root, options)
    }

    /// Lets the writer do all it can do now. False once it has ended.
    pub fn write(&mut self) -> bool {
        let Some(writer) = &mut self.writer else {
            return false;
        };
        match writer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => true,
            Poll::Ready(ended) => {
                self.error = ended.err();
                self.writer = None;
                false
            }
        }
    }

    pub fn drop_writer(&mut self) {
        self.writer = None;
    }

    /// Gives up the handle and keeps the writer.
    pub fn into_writer(self) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send>> {
        self.writer.unwrap()
    }

    pub fn done(&self, name: impl Into<String>) -> Done {
        let (answers, name) = (Arc::clone(&self.answers), name.into());
        Box::new(move |result| {
            let answer = match result {
                Ok(()) => name,
                Err(error) => format!("{name}: {error}"),
            };
            answers.lock().unwrap().push(answer);
        })
    }

    pub fn take_answers(&self) -> Vec<String> {
        std::mem::take(&mut self.answers.lock().unwrap())
    }

    /// Appends entries of term 1 with payloads of this many bytes.
    pub fn append(&self, sizes: &[usize]) {
        let first = self.log.state().last.map_or(0, |last| last.index + 1);
        let entries = (first..).zip(sizes).map(|(index, size)| entry(1, index, *size, index as u8)).collect();
        self.log.append(entries, self.done(format!("append {first}+{}", sizes.len())));
    }

    /// The indexes of all live entries.
    pub fn indexes(&self) -> Vec<u64> {
        self.log.entries(0..u64::MAX, None).unwrap().iter().map(|entry| entry.id.index).collect()
    }
}

pub fn id(term: u64, index: u64) -> LogId {
    LogId { term, node: 1, index }
}

pub fn entry(term: u64, index: u64, size: usize, fill: u8) -> Entry {
    Entry { id: id(term, index), payload: Payload::Commands(Bytes::from(vec![fill; size])) }
}

/// For futures that wait for nothing but syncs that are not held.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("something waits"),
    }
}
