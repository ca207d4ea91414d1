//! Snapshots and generations over RocksDB: what it does to the files of a store never reaches those of a snapshot, though
//! both are names of the same files.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_engine::{RocksDb, Tuning};
use holdfast_storage::engine::{Batch, Engine, OpenEngine};
use holdfast_storage::files::{RealFiles, block_on};
use holdfast_storage::generations::{Generations, GenerationsError};
use holdfast_storage::identity::ClusterId;
use holdfast_storage::keys;
use holdfast_storage::log::LogId;
use holdfast_storage::mark::Mark;
use holdfast_storage::snapshots::{Origin, Snapshot, Snapshots};

const ORIGIN: Origin = Origin { cluster: ClusterId(7), group: 0 };

struct Node {
    generations: Generations<RealFiles>,
    snapshots: Snapshots<RealFiles>,
}

impl Node {
    fn open(dir: &Path) -> Node {
        let tuning = Tuning { memtable_bytes: 64 << 10, block_cache_bytes: 1 << 20 };
        let opener: Arc<dyn OpenEngine> = Arc::new(RocksDb { tuning });
        let generations = Generations::open(RealFiles, dir.join("state"), opener.clone());
        let snapshots = Snapshots::open(RealFiles, dir.join("snapshots"), opener, ORIGIN);
        Node { generations: block_on(generations).unwrap(), snapshots: block_on(snapshots).unwrap() }
    }

    fn applied(&self) -> u64 {
        let mark = self.generations.engine().get(keys::MARK).unwrap();
        mark.map_or(0, |mark| Mark::decode(&mark).unwrap().applied.index)
    }

    /// Applies entries up to an index, each of which writes a row of its own and overwrites one that all share.
    fn apply_up_to(&self, last: u64) {
        let engine = self.generations.engine();
        (self.applied() + 1..=last).for_each(|index| apply(&*engine, index));
    }

    fn build(&self) -> Arc<Snapshot<RealFiles>> {
        block_on(self.snapshots.build(&*self.generations.engine())).unwrap()
    }

    /// Reads through every file of the snapshot on its way.
    fn install(&self, snapshot: &Snapshot<RealFiles>) -> Result<(), GenerationsError> {
        block_on(self.generations.install(&snapshot.rows(), &snapshot.manifest.files)).map(drop)
    }
}

fn apply(engine: &dyn Engine, index: u64) {
    let applied = LogId { term: 1, node: 1, index };
    let mut mark = Vec::new();
    Mark { group: 0, applied, membership_id: None, membership: Bytes::new() }.encode(&mut mark).unwrap();
    let mut batch = Batch::default();
    put(&mut batch, &[&[9], index.to_be_bytes().as_slice()].concat(), &[index as u8; 100]);
    put(&mut batch, &[9], &index.to_be_bytes());
    put(&mut batch, keys::MARK, &mark);
    engine.write(&batch).unwrap();
}

fn put(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let value = |to: &mut Vec<u8>| {
        to.extend_from_slice(value);
        Ok::<_, Infallible>(())
    };
    let Ok(()) = batch.put(|to| to.extend_from_slice(key), value);
}

#[test]
fn a_snapshot_can_be_installed_again_and_again_whatever_its_rows_became() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(dir.path());
    node.apply_up_to(3_000);
    let snapshot = node.build();
    for round in 1..=3 {
        node.apply_up_to(3_000 + round * 2_000);
        block_on(node.generations.engine().flush()).unwrap();
        node.install(&snapshot).unwrap();
        assert_eq!(node.applied(), 3_000);
        node.generations.remove_retired().unwrap();
    }
}

#[test]
fn an_installed_snapshot_and_rows_built_on_it_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(dir.path());
    node.apply_up_to(500);
    let snapshot = node.build();
    node.apply_up_to(900);
    node.install(&snapshot).unwrap();
    node.apply_up_to(700);
    block_on(node.generations.engine().flush()).unwrap();
    drop((node, snapshot));

    let node = Node::open(dir.path());
    assert_eq!(node.applied(), 700);
    let snapshot = node.snapshots.latest().unwrap();
    assert_eq!(snapshot.manifest.mark.applied.index, 500);
    node.install(&snapshot).unwrap();
    assert_eq!(node.applied(), 500);
}

#[test]
fn a_snapshot_outlives_the_rows_that_it_was_taken_of() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(dir.path());
    node.apply_up_to(500);
    let first = node.build();
    node.install(&first).unwrap();
    node.generations.remove_retired().unwrap();
    assert!(!dir.path().join("state").join("generation-000001").exists());
    node.install(&first).unwrap();
    assert_eq!(node.applied(), 500);
}
