//! What our rows ask of an ordered store, in our words: RocksDB is one, a sorted map over the simulated disk another.

use std::future::Future;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

pub use holdfast_reservations::Order;

/// Something the store could not do. The node stops: what is on the disk decides what it knew.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the row store failed to {doing}: {cause}")]
pub struct EngineError {
    /// What it was asked to do.
    pub doing: &'static str,
    /// What it says.
    pub cause: String,
}

/// Something that completes once bytes are where they should be.
pub type EngineFuture<'a> = Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + 'a>>;

/// Reads in key order.
pub trait ReadEngine {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// Shows the keys and values of a range, from the end that `order` names, until `show` breaks off.
    fn scan(&self, range: Range<&[u8]>, order: Order, show: &mut Show<'_>) -> Result<(), EngineError>;
}

/// Is shown keys and values one by one, and says whether it wants more.
pub type Show<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An ordered store.
pub trait Engine: ReadEngine + Send + Sync {
    /// Lets `with` read one moment of the store, whatever is written meanwhile.
    fn read(&self, with: &mut dyn FnMut(&dyn ReadEngine));

    /// Writes all of a batch or none of it. Not durable before the next flush; what a crash leaves is the effect of
    /// all batches up to some moment and of none after it.
    fn write(&self, batch: &Batch) -> Result<(), EngineError>;

    /// Makes durable what was written before, in a folder whose own name is durable.
    fn flush(&self) -> EngineFuture<'_>;

    /// Makes a durable copy of the store in a folder that does not exist yet; its name is left to the caller to sync.
    fn checkpoint<'a>(&'a self, dir: &'a Path) -> EngineFuture<'a>;
}

/// Opens stores.
pub trait OpenEngine: Send + Sync {
    /// The store in a folder, made if there is none.
    fn open(&self, dir: &Path) -> Result<Arc<dyn Engine>, EngineError>;

    /// The value of a key of a store that is not open, without changing a byte of it.
    fn peek(&self, dir: &Path, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;
}

/// Changes to be written together, in their order. Keys and values lie in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    changes: Vec<BatchChange<Range<usize>>>,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchChange<B> {
    /// Sets a key to a value.
    Put(B, B),
    /// Deletes a key.
    Delete(B),
    /// Deletes all keys from the first to below the second.
    DeleteRange(B, B),
}

impl Batch {
    /// Sets a key to a value; the two functions append their bytes.
    pub fn put<X>(
        &mut self,
        key: impl FnOnce(&mut Vec<u8>),
        value: impl FnOnce(&mut Vec<u8>) -> Result<(), X>,
    ) -> Result<(), X> {
        let key = self.append(key);
        let start = self.bytes.len();
        value(&mut self.bytes)?;
        self.changes.push(BatchChange::Put(key, start..self.bytes.len()));
        Ok(())
    }

    /// Deletes a key.
    pub fn delete(&mut self, key: impl FnOnce(&mut Vec<u8>)) {
        let key = self.append(key);
        self.changes.push(BatchChange::Delete(key));
    }

    /// Deletes all keys from one to below another.
    pub fn delete_range(&mut self, from: impl FnOnce(&mut Vec<u8>), to: impl FnOnce(&mut Vec<u8>)) {
        let (from, to) = (self.append(from), self.append(to));
        self.changes.push(BatchChange::DeleteRange(from, to));
    }

    /// The changes, in their order.
    pub fn changes(&self) -> impl Iterator<Item = BatchChange<&[u8]>> {
        self.changes.iter().map(|change| match change {
            BatchChange::Put(key, value) => BatchChange::Put(self.slice(key), self.slice(value)),
            BatchChange::Delete(key) => BatchChange::Delete(self.slice(key)),
            BatchChange::DeleteRange(from, to) => BatchChange::DeleteRange(self.slice(from), self.slice(to)),
        })
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Forgets the changes and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.changes.clear();
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.bytes.len();
        write(&mut self.bytes);
        start..self.bytes.len()
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        &self.bytes[range.clone()]
    }
}
