//! The state's rows over an ordered store: decoded rows that are hot stay in memory, and what an apply call changed is
//! written in one batch together with the mark that says how far it has come.

mod cache;
mod digest;
mod shape;
mod v1;
mod view;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use holdfast_reservations::{Key, Order, ReadRows, Row, Rows, merge_changes};

pub use digest::{Digest, digest};
pub use shape::{decode as decode_row, encode as encode_row};
pub use view::View;

use crate::codec::{self, CodecError};
use crate::engine::{Batch, Engine, EngineError, ReadEngine};
use crate::keys;
use crate::mark::Mark;
use cache::Cache;

/// Rows that could not be read or written. The node stops.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RowsError {
    /// The store failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A stored row is not one.
    #[error("the row under key {key} cannot be read: {cause}")]
    Damaged {
        /// The stored key, in hexadecimal.
        key: String,
        /// What is wrong with its value.
        cause: CodecError,
    },
}

/// What writing the changes of an apply call cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows written or deleted.
    pub rows: usize,
    /// Whether what is due changed.
    pub due_changed: bool,
}

/// The rows of a node. The rules see plain rows; an error of the store is kept until the apply call ends, which then
/// writes nothing.
pub struct EngineRows {
    engine: Arc<dyn Engine>,
    /// What this apply call changed so far.
    changed: BTreeMap<Key, Option<Row>>,
    /// Ranges this apply call deleted; what it wrote later is in `changed`.
    dropped: Vec<Range<Key>>,
    cache: RefCell<Cache>,
    failure: Cell<Option<RowsError>>,
    batch: Batch,
}

impl EngineRows {
    /// The rows in a store; keeps about `rows_cached` of them decoded.
    pub fn over(engine: Arc<dyn Engine>, rows_cached: usize) -> Self {
        Self {
            engine,
            changed: BTreeMap::new(),
            dropped: Vec::new(),
            cache: RefCell::new(Cache::of(rows_cached)),
            failure: Cell::new(None),
            batch: Batch::default(),
        }
    }

    /// Writes what was changed since the last commit, and the mark, in one batch.
    pub fn commit(&mut self, mark: &Mark) -> Result<Written, RowsError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.batch.clear();
        for range in self.dropped.drain(..) {
            let Range { start, end } = range;
            self.batch.delete_range(|to| keys::encode(&start, to), |to| keys::encode(&end, to));
        }
        let cache = self.cache.get_mut();
        let mut due_changed = false;
        for (key, row) in std::mem::take(&mut self.changed) {
            match &row {
                Some(row) => {
                    let put = self.batch.put(|to| keys::encode(&key, to), |to| shape::encode(row, to));
                    put.map_err(|cause| damaged(&key_bytes(&key), cause))?;
                }
                None => self.batch.delete(|to| keys::encode(&key, to)),
            }
            due_changed |= matches!(key, Key::Due(..));
            cache.written(key, row);
        }
        let rows = self.batch.len();
        let put = self.batch.put(|to| to.extend_from_slice(keys::MARK), |to| mark.encode(to));
        put.map_err(|cause| damaged(keys::MARK, cause))?;
        self.engine.write(&self.batch)?;
        Ok(Written { rows, due_changed })
    }

    /// How far the stored rows have come; `None` for an empty store.
    pub fn mark(&self) -> Result<Option<Mark>, RowsError> {
        read_mark(&*self.engine)
    }

    fn stored(&self, key: &Key) -> Option<Row> {
        if let Some(row) = self.cache.borrow_mut().get(key) {
            return row;
        }
        let row = self.or_keep(read_row(&*self.engine, key)).flatten();
        self.cache.borrow_mut().read(key, row.as_ref());
        row
    }

    fn stored_range(&self, range: Range<Key>, order: Order, limit: usize) -> Vec<(Key, Row)> {
        self.or_keep(scan_rows(&*self.engine, range, order, limit)).unwrap_or_default()
    }

    /// Keeps the first error for the commit that must not happen.
    fn or_keep<T>(&self, result: Result<T, RowsError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let first = self.failure.take().unwrap_or(error);
                self.failure.set(Some(first));
                None
            }
        }
    }

    fn is_dropped(&self, key: &Key) -> bool {
        self.dropped.iter().any(|range| range.contains(key))
    }
}

impl ReadRows for EngineRows {
    fn get(&self, key: &Key) -> Option<Row> {
        match self.changed.get(key) {
            Some(row) => row.clone(),
            None if self.is_dropped(key) => None,
            None => self.stored(key),
        }
    }

    fn scan(&self, range: Range<Key>, order: Order, limit: usize) -> Vec<(Key, Row)> {
        if range.start >= range.end {
            return Vec::new();
        }
        let changed = self.changed.range(range.clone());
        let below = |limit| {
            let mut rows = self.stored_range(range, order, limit);
            rows.retain(|(key, _)| !self.is_dropped(key));
            rows
        };
        merge_changes(changed, below, order, limit)
    }
}

impl Rows for EngineRows {
    fn set(&mut self, key: Key, row: Option<Row>) {
        self.changed.insert(key, row);
    }

    fn delete_range(&mut self, range: Range<Key>) {
        if range.start >= range.end {
            return;
        }
        self.changed.retain(|key, _| !range.contains(key));
        self.cache.get_mut().forget(&range);
        self.dropped.push(range);
    }
}

/// Reads one row.
fn read_row(engine: &dyn ReadEngine, key: &Key) -> Result<Option<Row>, RowsError> {
    let bytes = key_bytes(key);
    let Some(value) = engine.get(&bytes)? else { return Ok(None) };
    shape::decode(key, &value).map(Some).map_err(|cause| damaged(&bytes, cause))
}

/// Reads a range of rows.
fn scan_rows(
    engine: &dyn ReadEngine,
    range: Range<Key>,
    order: Order,
    limit: usize,
) -> Result<Vec<(Key, Row)>, RowsError> {
    let (start, end) = (key_bytes(&range.start), key_bytes(&range.end));
    let mut rows = Vec::new();
    let mut failure = None;
    if limit == 0 {
        return Ok(rows);
    }
    engine.scan(&start..&end, order, &mut |key, value| {
        match decode_pair(key, value) {
            Ok(row) => rows.push(row),
            Err(error) => failure = Some(error),
        }
        if failure.is_some() || rows.len() >= limit {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    failure.map_or(Ok(rows), Err)
}

fn decode_pair(bytes: &[u8], value: &[u8]) -> Result<(Key, Row), RowsError> {
    let unknown = || damaged(bytes, CodecError::Malformed("no key of this version".to_owned()));
    let key = keys::decode(bytes).ok_or_else(unknown)?;
    let row = shape::decode(&key, value).map_err(|cause| damaged(bytes, cause))?;
    Ok((key, row))
}

/// Reads the mark.
fn read_mark(engine: &dyn ReadEngine) -> Result<Option<Mark>, RowsError> {
    let Some(value) = engine.get(keys::MARK)? else { return Ok(None) };
    Mark::decode(&value).map(Some).map_err(|cause| damaged(keys::MARK, cause))
}

fn key_bytes(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(33);
    keys::encode(key, &mut bytes);
    bytes
}

fn damaged(key: &[u8], cause: codec::CodecError) -> RowsError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    RowsError::Damaged { key, cause }
}
