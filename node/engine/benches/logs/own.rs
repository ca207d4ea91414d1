//! The log of `holdfast-storage`, as a node opens it.

use std::io;
use std::path::Path;
use std::thread::JoinHandle;

use bytes::Bytes;
use holdfast_storage::files::{RealFiles, block_on};
use holdfast_storage::log::{Entry, Log, LogId, LogOptions, Payload};

use crate::candidate::{Candidate, Done};

struct Own {
    log: Log<RealFiles>,
    writer: JoinHandle<io::Result<()>>,
}

pub fn open(dir: &Path) -> Box<dyn Candidate> {
    let opened = Log::open(RealFiles, dir.join("log"), dir.join("synced"), 0, LogOptions::default());
    let (log, writer) = block_on(opened).expect("our log opens");
    Box::new(Own { log, writer: writer.spawn_thread("log").expect("a thread") })
}

fn id(index: u64) -> LogId {
    LogId { term: 1, node: 1, index }
}

impl Candidate for Own {
    fn append(&mut self, first: u64, entries: Vec<Bytes>, done: Done) {
        let entries = (first..).zip(entries);
        let entries =
            entries.map(|(index, bytes)| Entry { id: id(index), payload: Payload::Commands(bytes) });
        self.log.append(
            entries.collect(),
            Box::new(|outcome| {
                outcome.expect("our log is written");
                done();
            }),
        );
    }

    fn purge(&mut self, upto: u64) {
        self.log.purge(id(upto)).expect("our log is purged");
    }

    fn close(self: Box<Self>) {
        self.log.close();
        self.writer.join().expect("the writer's thread").expect("our log is closed");
    }
}
