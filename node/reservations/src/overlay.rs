//! What one command changes, kept apart from the rows until the command has succeeded.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::rows::{Key, Order, ReadRows, Row, merge_changes};

/// Rows to write (`Some`) and to delete (`None`).
pub type Changes = BTreeMap<Key, Option<Row>>;

/// The rows as one command sees them: its own changes over everybody's rows.
pub struct Overlay<'a> {
    rows: &'a dyn ReadRows,
    changes: Changes,
}

impl<'a> Overlay<'a> {
    /// Nothing changed yet.
    pub fn over(rows: &'a dyn ReadRows) -> Self {
        Self { rows, changes: Changes::new() }
    }

    /// Writes a row, or deletes it (`None`).
    pub fn set(&mut self, key: Key, row: Option<Row>) {
        self.changes.insert(key, row);
    }

    /// Whether nothing was changed yet.
    pub fn is_unchanged(&self) -> bool {
        self.changes.is_empty()
    }

    /// What was changed.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}

impl ReadRows for Overlay<'_> {
    fn get(&self, key: &Key) -> Option<Row> {
        match self.changes.get(key) {
            Some(changed) => changed.clone(),
            None => self.rows.get(key),
        }
    }

    fn scan(&self, range: Range<Key>, order: Order, limit: usize) -> Vec<(Key, Row)> {
        if range.start >= range.end {
            return Vec::new();
        }
        let changes = self.changes.range(range.clone());
        merge_changes(changes, |limit| self.rows.scan(range, order, limit), order, limit)
    }
}
