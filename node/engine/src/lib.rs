//! RocksDB as the row store of a node.
//!
//! It runs without a write-ahead log: the Raft log is its log. All rows lie in one column family, so what a crash leaves
//! is the effect of all batches up to some moment and of none after it, with the mark that was written among them.

mod blocking;
mod options;

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use holdfast_storage::engine::{
    Batch, BatchChange, Engine, EngineError, EngineFuture, OpenEngine, Order, ReadEngine, Show,
};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{DB, DBRawIterator, ReadOptions, Snapshot, WriteBatch, WriteOptions};

pub use options::Tuning;

/// Opens RocksDB.
#[derive(Clone, Debug, Default)]
pub struct RocksDb {
    /// Sizes.
    pub tuning: Tuning,
}

struct Store {
    db: Arc<DB>,
    without_log: WriteOptions,
}

impl OpenEngine for RocksDb {
    fn open(&self, dir: &Path) -> Result<Arc<dyn Engine>, EngineError> {
        let db = DB::open(&self.tuning.options(), dir).map_err(failed("open"))?;
        let mut without_log = WriteOptions::default();
        without_log.disable_wal(true);
        Ok(Arc::new(Store { db: Arc::new(db), without_log }))
    }

    fn peek(&self, dir: &Path, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        // RocksDB writes an information log even when it only reads: into a folder of its own, dropped afterwards.
        let mut options = self.tuning.options();
        options.create_if_missing(false);
        let informal = dir.with_added_extension("peek");
        options.set_db_log_dir(&informal);
        let value = DB::open_for_read_only(&options, dir, false).and_then(|db| db.get(key));
        drop(std::fs::remove_dir_all(&informal));
        value.map_err(failed("read from a checkpoint"))
    }
}

impl ReadEngine for Store {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.db.get(key).map_err(failed("read"))
    }

    fn scan(&self, range: Range<&[u8]>, order: Order, show: &mut Show<'_>) -> Result<(), EngineError> {
        scan(self.db.raw_iterator_opt(bounds(&range)), order, show)
    }
}

impl Engine for Store {
    fn read(&self, with: &mut dyn FnMut(&dyn ReadEngine)) {
        with(&Moment(self.db.snapshot()));
    }

    fn write(&self, batch: &Batch) -> Result<(), EngineError> {
        let mut rocks = WriteBatch::default();
        for change in batch.changes() {
            match change {
                BatchChange::Put(key, value) => rocks.put(key, value),
                BatchChange::Delete(key) => rocks.delete(key),
                BatchChange::DeleteRange(from, to) => rocks.delete_range(from, to),
            }
        }
        self.db.write_opt(rocks, &self.without_log).map_err(failed("write"))
    }

    fn flush(&self) -> EngineFuture<'_> {
        let db = self.db.clone();
        blocking::run(move || db.flush().map_err(failed("flush")))
    }

    fn checkpoint<'a>(&'a self, dir: &'a Path) -> EngineFuture<'a> {
        let (db, dir) = (self.db.clone(), dir.to_owned());
        blocking::run(move || {
            let checkpoint = Checkpoint::new(&db).map_err(failed("prepare a checkpoint"))?;
            checkpoint.create_checkpoint(&dir).map_err(failed("make a checkpoint"))
        })
    }
}

/// One moment of the store.
struct Moment<'a>(Snapshot<'a>);

impl ReadEngine for Moment<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(key).map_err(failed("read"))
    }

    fn scan(&self, range: Range<&[u8]>, order: Order, show: &mut Show<'_>) -> Result<(), EngineError> {
        scan(self.0.raw_iterator_opt(bounds(&range)), order, show)
    }
}

fn bounds(range: &Range<&[u8]>) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(range.start);
    options.set_iterate_upper_bound(range.end);
    options
}

fn scan(mut rows: DBRawIterator<'_>, order: Order, show: &mut Show<'_>) -> Result<(), EngineError> {
    match order {
        Order::Ascending => rows.seek_to_first(),
        Order::Descending => rows.seek_to_last(),
    }
    while let Some((key, value)) = rows.item() {
        if show(key, value) == ControlFlow::Break(()) {
            return Ok(());
        }
        match order {
            Order::Ascending => rows.next(),
            Order::Descending => rows.prev(),
        }
    }
    rows.status().map_err(failed("scan"))
}

fn failed(doing: &'static str) -> impl FnOnce(rocksdb::Error) -> EngineError {
    move |cause| EngineError { doing, cause: cause.into_string() }
}
