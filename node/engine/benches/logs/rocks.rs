//! RocksDB with its write-ahead log: one thread takes all that waits, writes it as one batch and syncs once.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use rocksdb::{DB, DBCompressionType, Options, WriteBatch, WriteOptions};

use crate::candidate::{Candidate, Done};

/// As many as our own log's queue takes.
const BATCH_MAX: usize = 4096;

enum Work {
    Append(u64, Vec<Bytes>, Done),
    Purge(u64),
}

struct Rocks {
    works: Sender<Work>,
    writer: JoinHandle<()>,
}

pub fn open(dir: &Path) -> Box<dyn Candidate> {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_write_buffer_size(64 << 20);
    options.set_compression_type(DBCompressionType::None);
    // Purged files are written over, as our segments are.
    options.set_recycle_log_file_num(8);
    let db = DB::open(&options, dir.join("rocks")).expect("RocksDB opens");
    let (works, waiting) = channel();
    let writer = thread::spawn(move || write(&db, &waiting));
    Box::new(Rocks { works, writer })
}

fn write(db: &DB, waiting: &Receiver<Work>) {
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    while let Ok(first) = waiting.recv() {
        let mut batch = WriteBatch::default();
        let mut dones = Vec::new();
        for work in std::iter::once(first).chain(waiting.try_iter()).take(BATCH_MAX) {
            match work {
                Work::Append(first, entries, done) => {
                    for (index, entry) in (first..).zip(&entries) {
                        batch.put(index.to_be_bytes(), entry);
                    }
                    dones.push(done);
                }
                Work::Purge(upto) => batch.delete_range(0u64.to_be_bytes(), (upto + 1).to_be_bytes()),
            }
        }
        db.write_opt(batch, &synced).expect("RocksDB is written");
        dones.into_iter().for_each(|done| done());
    }
}

impl Candidate for Rocks {
    fn append(&mut self, first: u64, entries: Vec<Bytes>, done: Done) {
        self.works.send(Work::Append(first, entries, done)).expect("the writer runs");
    }

    fn purge(&mut self, upto: u64) {
        self.works.send(Work::Purge(upto)).expect("the writer runs");
    }

    fn close(self: Box<Self>) {
        drop(self.works);
        self.writer.join().expect("the writer's thread");
    }
}
