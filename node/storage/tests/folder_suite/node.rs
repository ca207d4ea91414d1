//! One node's folder on a simulated disk, opened as a node opens it, and what its rows say.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use holdfast_reservations::Order;
use holdfast_storage::engine::{Batch, Engine, OpenEngine};
use holdfast_storage::files::{Files, block_on, create_dir_durably};
use holdfast_storage::generations::Generations;
use holdfast_storage::identity::{ClusterId, Identity};
use holdfast_storage::keys;
use holdfast_storage::log::LogId;
use holdfast_storage::mark::Mark;
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::snapshots::{Origin, Snapshot, Snapshots};
use holdfast_storage::sorted_map::SortedMaps;

use crate::parts::{Parts, put};

pub const ORIGIN: Origin = Origin { cluster: ClusterId(7), group: 0 };

/// What rows are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Store {
    Parts,
    SortedMap,
}

impl Store {
    pub fn on(self, disk: &SimulatedDisk) -> Arc<dyn OpenEngine> {
        match self {
            Self::Parts => Arc::new(Parts(disk.clone())),
            Self::SortedMap => Arc::new(SortedMaps(disk.clone())),
        }
    }
}

/// So deep that founding makes several folders.
pub fn root() -> &'static Path {
    Path::new("/srv/data")
}

pub fn identity_path() -> PathBuf {
    root().join("identity")
}

pub fn state_dir() -> PathBuf {
    root().join("state")
}

pub fn snapshots_dir() -> PathBuf {
    root().join("snapshots")
}

pub struct Node {
    pub disk: SimulatedDisk,
    opener: Arc<dyn OpenEngine>,
    pub identity: Option<Identity>,
    pub generations: Generations<SimulatedDisk>,
    pub snapshots: Snapshots<SimulatedDisk>,
}

impl Node {
    pub fn open(disk: &SimulatedDisk, store: Store) -> Result<Node, String> {
        let disk = disk.clone();
        let opener = store.on(&disk);
        block_on(create_dir_durably(&disk, root())).map_err(|error| error.to_string())?;
        let identity =
            block_on(Identity::read(&disk, &identity_path())).map_err(|error| error.to_string())?;
        let generations = block_on(Generations::open(disk.clone(), state_dir(), opener.clone()));
        let generations = generations.map_err(|error| error.to_string())?;
        let snapshots = block_on(Snapshots::open(disk.clone(), snapshots_dir(), opener.clone(), ORIGIN));
        let snapshots = snapshots.map_err(|error| error.to_string())?;
        Ok(Node { disk, opener, identity, generations, snapshots })
    }

    /// How far the rows have come, which must say exactly what they say there.
    pub fn applied(&self) -> u64 {
        applied(&*self.generations.engine())
    }

    /// Applies the next entries.
    pub fn apply(&self, count: u64) {
        let engine = self.generations.engine();
        for index in (applied(&*engine) + 1..).take(count as usize) {
            apply(&*engine, index);
        }
    }

    /// Its files are whole and say what its label says.
    pub fn check_snapshot(&self, snapshot: &Snapshot<SimulatedDisk>) {
        let engine = self.opener.open(&snapshot.rows()).unwrap();
        assert_eq!(applied(&*engine), snapshot.manifest.mark.applied.index);
    }

    /// Folders where each is one that counts: whatever else there was is gone.
    pub fn folders(&self) -> Vec<String> {
        let mut folders = self.disk.list(&state_dir()).unwrap();
        folders.retain(|name| name.starts_with("generation-"));
        folders.extend(self.disk.list(&snapshots_dir()).unwrap());
        folders
    }
}

pub fn mark(index: u64) -> Mark {
    let applied = LogId { term: 1, node: 1, index };
    Mark { group: 0, applied, membership_id: None, membership: Bytes::new() }
}

/// Each entry overwrites one of a few rows, so no two indexes show the same rows, and none shows those of two.
fn row(index: u64) -> [u8; 2] {
    [9, (index % 8) as u8]
}

pub fn apply(engine: &dyn Engine, index: u64) {
    let mut batch = Batch::default();
    put(&mut batch, &row(index), &index.to_be_bytes());
    let mut bytes = Vec::new();
    mark(index).encode(&mut bytes).unwrap();
    put(&mut batch, keys::MARK, &bytes);
    engine.write(&batch).unwrap();
}

pub fn applied(engine: &dyn Engine) -> u64 {
    let mark = engine.get(keys::MARK).unwrap();
    let index = mark.map_or(0, |mark| Mark::decode(&mark).unwrap().applied.index);
    let mut found = Vec::new();
    let scanned = engine.scan(keys::FIRST_ROW..keys::END, Order::Ascending, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    let mut expected: Vec<_> =
        (1..=index).rev().take(8).map(|index| (row(index).to_vec(), index.to_be_bytes().to_vec())).collect();
    expected.sort();
    assert_eq!(found, expected, "the rows are not those of {index}");
    index
}
