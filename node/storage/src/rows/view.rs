//! One moment of the stored rows, for readers.

use std::cell::Cell;
use std::ops::Range;

use holdfast_reservations::{Clock, Key, Order, ReadRows, ReadTyped as _, Row, Timestamp};

use crate::engine::ReadEngine;
use crate::mark::Mark;
use crate::rows::{RowsError, read_mark, read_row, scan_rows};

/// Rows as they were after some apply call, with the mark of that moment.
pub struct View<'a> {
    engine: &'a dyn ReadEngine,
    failure: Cell<Option<RowsError>>,
}

impl<'a> View<'a> {
    /// A view of one moment of a store.
    pub fn of(engine: &'a dyn ReadEngine) -> Self {
        Self { engine, failure: Cell::new(None) }
    }

    /// How far the rows had come; `None` for an empty store.
    pub fn mark(&self) -> Result<Option<Mark>, RowsError> {
        read_mark(self.engine)
    }

    /// The agreed time of the moment.
    pub fn now(&self) -> Timestamp {
        self.row::<Clock>(()).map_or_else(Timestamp::default, |clock| clock.now)
    }

    /// The first error met while reading; an answer made from this view counts only if there is none.
    pub fn failure(&self) -> Option<RowsError> {
        self.failure.take()
    }

    fn or_keep<T: Default>(&self, result: Result<T, RowsError>) -> T {
        result.unwrap_or_else(|error| {
            let first = self.failure.take().unwrap_or(error);
            self.failure.set(Some(first));
            T::default()
        })
    }
}

impl ReadRows for View<'_> {
    fn get(&self, key: &Key) -> Option<Row> {
        self.or_keep(read_row(self.engine, key))
    }

    fn scan(&self, range: Range<Key>, order: Order, limit: usize) -> Vec<(Key, Row)> {
        if range.start >= range.end {
            return Vec::new();
        }
        self.or_keep(scan_rows(self.engine, range, order, limit))
    }
}
