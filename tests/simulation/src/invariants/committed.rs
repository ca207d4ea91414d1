//! The one log that all nodes agree on, as far as any node ever said it is committed.

use std::collections::BTreeMap;

use holdfast_storage::log::{Entry, LogId};

use super::logs::Logs;
use crate::observation::Observation;

/// Every entry that was ever seen committed, by its index, as it was first seen.
#[derive(Debug, Default)]
pub struct Committed {
    entries: BTreeMap<u64, Entry>,
    /// The furthest that any node said.
    furthest: Option<LogId>,
    /// What was furthest before the newest observation.
    before: Option<LogId>,
}

impl Committed {
    pub(crate) fn observe(&mut self, seen: &Observation, logs: &Logs) {
        self.before = self.furthest;
        for (node, _, running) in seen.running() {
            let Some(committed) = running.committed else { continue };
            if Some(committed.index) <= self.last().map(|entry| entry.id.index) {
                continue;
            }
            // What was purged before it was ever seen stays unknown.
            let purged = running.log.purged.map_or(0, |purged| purged.index + 1);
            let next = self.last().map_or(0, |entry| entry.id.index + 1).max(purged);
            let entries = (next..=committed.index).map_while(|index| logs.entry(node, index));
            self.entries.extend(entries.map(|entry| (entry.id.index, entry.clone())));
            self.furthest = self.furthest.max_by_index(committed);
        }
    }

    /// The entry at an index, if its contents were seen.
    #[must_use]
    pub fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(&index)
    }

    /// All entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// All entries from an index on, in order.
    pub(crate) fn from(&self, index: u64) -> impl Iterator<Item = &Entry> {
        self.entries.range(index..).map(|(_, entry)| entry)
    }

    /// The furthest that any node said is committed.
    #[must_use]
    pub fn furthest(&self) -> Option<LogId> {
        self.furthest
    }

    /// The furthest, if it moved with the newest observation.
    pub(crate) fn news(&self) -> Option<LogId> {
        self.furthest.filter(|_| self.furthest != self.before)
    }

    fn last(&self) -> Option<&Entry> {
        self.entries.last_key_value().map(|(_, entry)| entry)
    }
}

trait Further {
    fn max_by_index(self, other: LogId) -> Self;
}

impl Further for Option<LogId> {
    fn max_by_index(self, other: LogId) -> Self {
        match self {
            Some(id) if id.index >= other.index => Some(id),
            Some(_) | None => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{id, observations};

    #[test]
    fn it_grows_with_whoever_knows_most() {
        let (mut logs, mut committed) = (Logs::default(), Committed::default());
        let seen = observations(
            "
            node:1 log=1.1.0,1.1.1 committed=1.1.0 | node:2 log=1.1.0
            node:1 log=1.1.0,1.1.1,1.1.2 committed=1.1.2 | node:2 log=1.1.0,1.1.1 committed=1.1.1
            node:1 down
            ",
        );
        let mut news = Vec::new();
        for seen in &seen {
            logs.observe(seen).unwrap();
            committed.observe(seen, &logs);
            news.push(committed.news());
        }
        assert_eq!(news, [Some(id("1.1.0")), Some(id("1.1.2")), None]);
        assert_eq!(committed.entries().count(), 3);
        assert_eq!(committed.entry(1).unwrap().id, id("1.1.1"));
    }
}
