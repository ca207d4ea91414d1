//! One simulated folder: the names in it, which of them are surely on the disk, and the changes between the two.

use std::collections::BTreeMap;

use super::random::{Random, Survival};

/// A file or folder, whatever it is called.
pub(super) type NodeId = u64;

#[derive(Debug, Default)]
pub(super) struct Names {
    live: BTreeMap<String, NodeId>,
    durable: BTreeMap<String, NodeId>,
    unsynced: Vec<Unsynced>,
}

#[derive(Debug)]
struct Unsynced {
    sequence: u64,
    change: NameChange,
}

#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Set {
        name: String,
        node: NodeId,
    },
    Unset {
        name: String,
    },
    /// Within one folder, so it happens whole or not at all.
    Rename {
        from: String,
        to: String,
        node: NodeId,
    },
}

impl Names {
    pub(super) fn live(&self) -> &BTreeMap<String, NodeId> {
        &self.live
    }

    /// What a crash keeps, as far as nothing else is on its way to the disk.
    pub(super) fn durable(&self) -> &BTreeMap<String, NodeId> {
        &self.durable
    }

    /// Everything that may still be reached by a name, now or after a crash.
    pub(super) fn reachable(&self) -> impl Iterator<Item = NodeId> {
        let unsynced = self.unsynced.iter().filter_map(|unsynced| match unsynced.change {
            NameChange::Set { node, .. } | NameChange::Rename { node, .. } => Some(node),
            NameChange::Unset { .. } => None,
        });
        self.live.values().chain(self.durable.values()).copied().chain(unsynced)
    }

    pub(super) fn change(&mut self, sequence: u64, change: NameChange) {
        change.apply(&mut self.live);
        self.unsynced.push(Unsynced { sequence, change });
    }

    pub(super) fn settle(&mut self, sequence: u64) {
        for change in self.take_until(sequence) {
            change.apply(&mut self.durable);
        }
    }

    pub(super) fn lose(&mut self, sequence: u64) {
        self.take_until(sequence);
    }

    fn take_until(&mut self, sequence: u64) -> Vec<NameChange> {
        let count = self.unsynced.partition_point(|unsynced| unsynced.sequence <= sequence);
        self.unsynced.drain(..count).map(|unsynced| unsynced.change).collect()
    }

    pub(super) fn crash(&mut self, random: &mut Random) {
        let mut changes = self.take_until(u64::MAX);
        match random.survival() {
            Survival::Nothing => changes.clear(),
            Survival::Everything => (),
            Survival::Prefix => changes.truncate(random.up_to(changes.len())),
            Survival::Scattered => changes.retain(|_| random.coin()),
        }
        for change in changes {
            change.apply(&mut self.durable);
        }
        self.live = self.durable.clone();
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, NodeId>) {
        match self {
            NameChange::Set { name, node } => {
                names.insert(name.clone(), *node);
            }
            NameChange::Unset { name } => {
                names.remove(name);
            }
            // After a crash the name to move may never have been there.
            NameChange::Rename { from, to, node } => {
                if names.get(from) == Some(node) {
                    names.remove(from);
                    names.insert(to.clone(), *node);
                }
            }
        }
    }
}
