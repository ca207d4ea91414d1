//! The logs of all nodes, put together from what changed.

use std::collections::{BTreeMap, VecDeque};

use holdfast_storage::log::{Entry, LogId};

use crate::observation::{LogSeen, NodeId, Observation};

/// What each node's log holds, or what it surely held on its disk when the node was last seen.
#[derive(Debug, Default)]
pub struct Logs {
    nodes: BTreeMap<NodeId, Held>,
}

#[derive(Debug, Default)]
struct Held {
    incarnation: u32,
    /// The index of the first entry.
    first: u64,
    entries: VecDeque<Entry>,
    purged: Option<LogId>,
    on_disk: Option<LogId>,
}

impl Logs {
    pub(crate) fn observe(&mut self, seen: &Observation) -> Result<(), String> {
        for (id, node, running) in seen.running() {
            let held = self.nodes.entry(id).or_default();
            if held.incarnation != node.incarnation {
                let first = running.log.changed_from;
                *held = Held { incarnation: node.incarnation, first, ..Held::default() };
            }
            held.change(&running.log).map_err(|problem| format!("node {id}: {problem}"))?;
        }
        Ok(())
    }

    /// The id of the entry that a node holds at an index, or of its newest purged one.
    #[must_use]
    pub fn id_at(&self, node: NodeId, index: u64) -> Option<LogId> {
        let held = self.nodes.get(&node)?;
        match held.purged {
            Some(purged) if purged.index == index => Some(purged),
            _ => held.entry(index).map(|entry| entry.id),
        }
    }

    /// The entry that a node holds at an index.
    #[must_use]
    pub fn entry(&self, node: NodeId, index: u64) -> Option<&Entry> {
        self.nodes.get(&node)?.entry(index)
    }

    /// Whether a node holds an entry, in its log or, once purged, in its state.
    #[must_use]
    pub fn holds(&self, node: NodeId, id: LogId) -> bool {
        let purged = self.nodes.get(&node).and_then(|held| held.purged);
        purged.is_some_and(|purged| purged.index > id.index) || self.id_at(node, id.index) == Some(id)
    }

    /// Whether a node that loses its power now still holds an entry: by the bytes on its disk, not by what it says.
    #[must_use]
    pub fn holds_durably(&self, node: NodeId, id: LogId) -> bool {
        let on_disk = self.nodes.get(&node).and_then(|held| held.on_disk.max(held.purged));
        on_disk.is_some_and(|on_disk| on_disk.index >= id.index) && self.holds(node, id)
    }
}

impl Held {
    fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    fn change(&mut self, log: &LogSeen) -> Result<(), String> {
        let next = self.first + self.entries.len() as u64;
        let jumps = self.entries.is_empty() || log.purged.is_some_and(|purged| purged.index + 1 >= next);
        match jumps && log.changed_from >= next {
            true => {
                self.entries.clear();
                self.first = log.changed_from;
            }
            false if log.changed_from > next => {
                return Err(format!("entries {next} to {} were not told", log.changed_from - 1));
            }
            false => {
                self.entries.truncate(log.changed_from.saturating_sub(self.first) as usize);
                if self.entries.is_empty() {
                    self.first = log.changed_from;
                }
            }
        }
        for entry in &log.entries {
            let next = self.first + self.entries.len() as u64;
            if entry.id.index != next {
                return Err(format!("entry {} stands where {next} should", entry.id));
            }
            self.entries.push_back(entry.clone());
        }
        while self.entries.front().is_some_and(|entry| Some(entry.id.index) <= log.purged.map(|id| id.index))
        {
            self.entries.pop_front();
            self.first += 1;
        }
        self.purged = log.purged;
        self.on_disk = log.on_disk;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{id, observations};

    fn logs(text: &str) -> Logs {
        let mut logs = Logs::default();
        for seen in observations(text) {
            logs.observe(&seen).unwrap();
        }
        logs
    }

    #[test]
    fn a_log_is_put_together_from_its_changes() {
        let logs = logs(
            "
            node:1 log=1.1.0,1.1.1,1.1.2 durable=1.1.1
            node:1 log=1.1.0,1.1.1,2.2.2,2.2.3 durable=1.1.1
            node:1 purged=1.1.1 log=2.2.2,2.2.3 durable=2.2.2
            ",
        );
        assert_eq!(logs.id_at(1, 2), Some(id("2.2.2")));
        assert_eq!(logs.id_at(1, 1), Some(id("1.1.1")), "the purged one is known");
        assert_eq!(logs.id_at(1, 0), None);
        assert!(logs.holds(1, id("1.1.0")), "purged is held");
        assert!(!logs.holds(1, id("1.1.2")), "it was replaced");
        assert!(logs.holds_durably(1, id("2.2.2")));
        assert!(!logs.holds_durably(1, id("2.2.3")));
    }

    #[test]
    fn what_a_node_held_durably_counts_while_it_is_down() {
        let logs = logs(
            "
            node:1 log=1.1.0,1.1.1 durable=1.1.0
            node:1 down
            ",
        );
        assert!(logs.holds_durably(1, id("1.1.0")));
        assert!(!logs.holds_durably(1, id("1.1.1")));
    }

    #[test]
    fn a_hole_in_what_is_told_is_refused() {
        let mut logs = Logs::default();
        let seen = observations("node:1 log=1.1.0,1.1.2");
        assert_eq!(logs.observe(&seen[0]), Err("node 1: entry 1.1.2 stands where 1 should".to_owned()));
    }
}
