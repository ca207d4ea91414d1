//! RocksDB must give what a sorted map gives, and after a crash a moment of it: all batches up to some point, none after.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use holdfast_engine::{RocksDb, Tuning};
use holdfast_storage::engine::{Batch, Engine, OpenEngine, Order, ReadEngine};
use holdfast_storage::files::block_on;
use proptest::prelude::*;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Change {
    Put(u8, u8),
    Delete(u8),
    DeleteRange(u8, u8),
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Change>),
    Flush,
    Reopen,
    Checkpoint,
}

fn small() -> RocksDb {
    RocksDb { tuning: Tuning { memtable_bytes: 64 << 10, block_cache_bytes: 1 << 20 } }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (0..40_u8, any::<u8>()).prop_map(|(key, value)| Change::Put(key, value)),
        2 => (0..40_u8).prop_map(Change::Delete),
        1 => (0..40_u8, 0..40_u8).prop_map(|(from, to)| Change::DeleteRange(from, to)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => prop::collection::vec(change(), 1..8).prop_map(Step::Write),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::Checkpoint),
    ]
}

/// Puts a count of the batches into each, as a node puts its mark.
fn batch(changes: &[Change], number: u32) -> Batch {
    let mut batch = Batch::default();
    for change in changes {
        match *change {
            Change::Put(key, value) => batch
                .put(
                    |to| to.push(key),
                    |to| {
                        to.push(value);
                        Ok::<_, ()>(())
                    },
                )
                .unwrap(),
            Change::Delete(key) => batch.delete(|to| to.push(key)),
            Change::DeleteRange(from, to) => {
                let (from, end) = (from.min(to), from.max(to));
                batch.delete_range(|to| to.push(from), |to| to.push(end));
            }
        }
    }
    batch
        .put(
            |to| to.push(255),
            |to| {
                to.extend_from_slice(&number.to_be_bytes());
                Ok::<_, ()>(())
            },
        )
        .unwrap();
    batch
}

fn apply(map: &mut Map, changes: &[Change], number: u32) {
    for change in changes {
        match *change {
            Change::Put(key, value) => drop(map.insert(vec![key], vec![value])),
            Change::Delete(key) => drop(map.remove(&vec![key])),
            Change::DeleteRange(from, to) => {
                let range = from.min(to)..from.max(to);
                map.retain(|key, _| !range.contains(&key[0]));
            }
        }
    }
    map.insert(vec![255], number.to_be_bytes().to_vec());
}

fn read(reader: &dyn ReadEngine, order: Order) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    reader
        .scan(&[0]..&[255, 255], order, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn assert_same(engine: &dyn ReadEngine, map: &Map) {
    let forward = read(engine, Order::Ascending);
    let mut backward = read(engine, Order::Descending);
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(forward, map.clone().into_iter().collect::<Vec<_>>());
    for key in 0..40 {
        assert_eq!(engine.get(&[key]).unwrap(), map.get(&vec![key]).cloned());
    }
}

fn open(dir: &Path) -> Arc<dyn Engine> {
    small().open(dir).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rocksdb_is_like_a_sorted_map(steps in prop::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut rows = dir.path().join("rows");
        let mut engine = open(&rows);
        // The map after each batch; a store that was not flushed may come back as any of them, but not as less than
        // what a flush or a checkpoint made durable.
        let mut moments: Vec<Map> = vec![Map::new()];
        let mut durable = 0;
        let mut written = 0;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Write(changes) => {
                    written += 1;
                    engine.write(&batch(&changes, written)).unwrap();
                    let mut map = moments.last().unwrap().clone();
                    apply(&mut map, &changes, written);
                    moments.push(map);
                    engine.read(&mut |reader| assert_same(reader, moments.last().unwrap()));
                }
                Step::Flush => {
                    block_on(engine.flush()).unwrap();
                    durable = moments.len() - 1;
                }
                Step::Checkpoint => {
                    let copy = dir.path().join(format!("copy-{number}"));
                    block_on(engine.checkpoint(&copy)).unwrap();
                    durable = moments.len() - 1;
                    let before = std::fs::read_dir(&copy).unwrap().count();
                    let mark = small().peek(&copy, &[255]).unwrap();
                    prop_assert_eq!(mark, moments.last().unwrap().get(&vec![255]).cloned());
                    prop_assert_eq!(before, std::fs::read_dir(&copy).unwrap().count(), "peek leaves nothing behind");
                    assert_same(&*open(&copy), moments.last().unwrap());
                }
                Step::Reopen => {
                    // A copy of the folder is what a killed process leaves: nothing is flushed on the way out.
                    let copy = dir.path().join(format!("crashed-{number}"));
                    copy_dir(&rows, &copy);
                    let crashed = open(&copy);
                    let found: Map = read(&*crashed, Order::Ascending).into_iter().collect();
                    let moment = moments.iter().rposition(|map| *map == found);
                    prop_assert!(moment >= Some(durable), "{:?} is no moment since {}", found, durable);
                    moments.truncate(moment.unwrap() + 1);
                    written = moments.len() as u32 - 1;
                    durable = durable.min(moments.len() - 1);
                    engine = crashed;
                    rows = copy;
                }
            }
        }
        assert_same(&*engine, moments.last().unwrap());
    }
}

/// A copy of the folder as it was at one moment. RocksDB removes files it no longer needs while we look: then again.
fn copy_dir(from: &Path, to: &Path) {
    loop {
        std::fs::create_dir(to).unwrap();
        let before = names_in(from);
        let copied =
            before.iter().try_for_each(|name| std::fs::copy(from.join(name), to.join(name)).map(drop));
        match copied {
            Ok(()) if names_in(from) == before => return,
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            Ok(()) | Err(_) => std::fs::remove_dir_all(to).unwrap(),
        }
    }
}

fn names_in(dir: &Path) -> BTreeSet<OsString> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}
