//! Which snapshots there are: the newest, and older ones for as long as somebody holds them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::Snapshot;
use crate::files::Files;

pub(super) struct Shelf<F> {
    latest: Option<Arc<Snapshot<F>>>,
    /// Snapshots that are not the newest, and their folders, which outlive them.
    retired: Vec<(Weak<Snapshot<F>>, PathBuf)>,
}

impl<F: Files> Shelf<F> {
    pub(super) fn new(latest: Option<Snapshot<F>>) -> Self {
        Self { latest: latest.map(Arc::new), retired: Vec::new() }
    }

    pub(super) fn latest(&self) -> Option<Arc<Snapshot<F>>> {
        self.latest.clone()
    }

    /// The snapshot in this folder, if somebody may still read it.
    pub(super) fn find(&self, dir: &Path) -> Option<Arc<Snapshot<F>>> {
        let retired = self.retired.iter().filter_map(|(snapshot, _)| snapshot.upgrade());
        self.latest().into_iter().chain(retired).find(|snapshot| snapshot.dir == dir)
    }

    /// Takes one more; the older of it and the newest is retired.
    pub(super) fn add(&mut self, snapshot: Arc<Snapshot<F>>) {
        let older = match &self.latest {
            Some(newer) if newer.applied() > snapshot.applied() => Some(snapshot),
            Some(_) | None => self.latest.replace(snapshot),
        };
        self.retired.extend(older.map(|older| (Arc::downgrade(&older), older.dir.clone())));
    }

    /// The folders of retired snapshots that nobody holds any more.
    pub(super) fn take_unused(&mut self) -> Vec<PathBuf> {
        let (gone, used): (Vec<_>, Vec<_>) = std::mem::take(&mut self.retired)
            .into_iter()
            .partition(|(snapshot, _)| snapshot.strong_count() == 0);
        self.retired = used;
        gone.into_iter().map(|(_, dir)| dir).collect()
    }
}
