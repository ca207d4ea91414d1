//! What others see of a store while it is written: a read one moment, a checkpoint a whole copy, a killed process's
//! folder all batches up to some point and none after.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use holdfast_engine::{RocksDb, Tuning};
use holdfast_storage::engine::{Batch, Engine, OpenEngine, Order, ReadEngine};
use holdfast_storage::files::block_on;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// The key under which each batch leaves its number, as a node leaves its mark.
const MARK: &[u8] = &[255];

const ROWS: u32 = 48;

/// So small that a few hundred batches fill a memtable.
fn small() -> RocksDb {
    RocksDb { tuning: Tuning { memtable_bytes: 64 << 10, block_cache_bytes: 1 << 20 } }
}

fn open(dir: &Path) -> Arc<dyn Engine> {
    small().open(dir).unwrap()
}

fn put(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let value = |to: &mut Vec<u8>| {
        to.extend_from_slice(value);
        Ok::<_, Infallible>(())
    };
    let Ok(()) = batch.put(|to| to.extend_from_slice(key), value);
}

/// Two rows, and now and then a row or a range less.
struct Changes {
    rows: [(Vec<u8>, Vec<u8>); 2],
    deleted: Option<Vec<u8>>,
    dropped: Option<(Vec<u8>, Vec<u8>)>,
}

impl Changes {
    fn of(number: u32) -> Self {
        let row = |nth: u32| (vec![(nth % ROWS) as u8], number.to_be_bytes().repeat(20 + (nth % 7) as usize));
        let key = |nth: u32| vec![(nth % ROWS) as u8];
        Self {
            rows: [row(number), row(number * 31)],
            deleted: number.is_multiple_of(5).then(|| key(number * 7)),
            dropped: number
                .is_multiple_of(11)
                .then(|| (vec![(number % 40) as u8], vec![(number % 40 + 6) as u8])),
        }
    }

    fn batch(&self, number: u32) -> Batch {
        let mut batch = Batch::default();
        if let Some((from, to)) = &self.dropped {
            batch.delete_range(|into| into.extend_from_slice(from), |into| into.extend_from_slice(to));
        }
        self.rows.iter().for_each(|(key, value)| put(&mut batch, key, value));
        if let Some(key) = &self.deleted {
            batch.delete(|into| into.extend_from_slice(key));
        }
        put(&mut batch, MARK, &number.to_be_bytes());
        batch
    }

    fn apply(self, number: u32, map: &mut Map) {
        if let Some((from, to)) = self.dropped {
            map.retain(|key, _| !(&from..&to).contains(&key));
        }
        map.extend(self.rows);
        if let Some(key) = self.deleted {
            map.remove(&key);
        }
        map.insert(MARK.to_vec(), number.to_be_bytes().to_vec());
    }
}

/// What the batches up to a number leave.
fn after(number: u32) -> Map {
    let mut map = Map::new();
    (1..=number).for_each(|number| Changes::of(number).apply(number, &mut map));
    map
}

fn write(engine: &dyn Engine, number: u32) {
    engine.write(&Changes::of(number).batch(number)).unwrap();
}

/// How many batches a store shows, after making sure that it shows all of these and nothing of others.
fn batches(reader: &dyn ReadEngine) -> u32 {
    let mut found = Map::new();
    let scanned = reader.scan(&[0]..&[255, 255], Order::Ascending, &mut |key, value| {
        found.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    let number = found.get(MARK).map_or(0, |mark| u32::from_be_bytes(mark.as_slice().try_into().unwrap()));
    assert_eq!(found, after(number), "the rows are not those of {number} batches");
    for key in (0..ROWS as u8).map(|key| vec![key]) {
        assert_eq!(reader.get(&key).unwrap(), found.get(&key).cloned());
    }
    number
}

/// Writes batch after batch until it is told to stop.
struct Writer {
    written: AtomicU32,
    stopped: AtomicBool,
}

impl Writer {
    /// Lets `meanwhile` do something while batches are written, and says how many were.
    fn during(engine: &dyn Engine, meanwhile: impl FnOnce(&Writer)) -> u32 {
        let writer = Writer { written: AtomicU32::new(0), stopped: AtomicBool::new(false) };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !writer.stopped.load(Ordering::Acquire) {
                    let number = writer.written() + 1;
                    write(engine, number);
                    writer.written.store(number, Ordering::Release);
                }
            });
            let stop = StopAtEnd(&writer.stopped);
            meanwhile(&writer);
            drop(stop);
        });
        writer.written()
    }

    /// Batches whose write has returned.
    fn written(&self) -> u32 {
        self.written.load(Ordering::Acquire)
    }

    fn wait_for(&self, number: u32) {
        while self.written() < number {
            std::thread::yield_now();
        }
    }
}

/// Also when a check fails: otherwise the writer would go on for ever.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn a_read_is_of_one_moment_whatever_is_written_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    (1..=20).for_each(|number| write(&*engine, number));
    engine.read(&mut |moment| {
        (21..=2_000).for_each(|number| write(&*engine, number));
        block_on(engine.flush()).unwrap();
        assert_eq!(batches(moment), 20);
    });
    assert_eq!(batches(&*engine), 2_000);
}

#[test]
fn a_checkpoint_is_a_whole_copy_of_one_moment_while_writes_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("rows"));
    let mut copies: Vec<(PathBuf, u32)> = Vec::new();
    Writer::during(&*engine, |writer| {
        for round in 1..=8 {
            writer.wait_for(round * 300);
            let copy = dir.path().join(format!("copy-{round}"));
            let before = writer.written();
            block_on(engine.checkpoint(&copy)).unwrap();
            // One batch may be written whose write has not returned yet.
            let after = writer.written() + 1;
            let found = batches(&*open(&copy));
            assert!((before..=after).contains(&found), "{before} to {after}: {found}");
            copies.push((copy, found));
        }
    });
    drop(engine);
    std::fs::remove_dir_all(dir.path().join("rows")).unwrap();
    for (copy, found) in copies {
        assert_eq!(
            batches(&*open(&copy)),
            found,
            "a copy depends on nothing that was written or removed later"
        );
    }
}

#[test]
fn a_checkpoint_makes_the_store_itself_durable_as_far() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, copy) = (dir.path().join("rows"), dir.path().join("copy"));
    let engine = open(&rows);
    (1..=10).for_each(|number| write(&*engine, number));
    block_on(engine.checkpoint(&copy)).unwrap();
    write(&*engine, 11);
    let killed = dir.path().join("killed");
    copy_at_once(&rows, &killed);
    assert_eq!(batches(&*open(&killed)), 10);
}

#[test]
fn a_checkpoint_never_replaces_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("rows"));
    write(&*engine, 1);
    let copy = dir.path().join("copy");
    block_on(engine.checkpoint(&copy)).unwrap();
    write(&*engine, 2);
    assert!(block_on(engine.checkpoint(&copy)).is_err());
    assert_eq!(batches(&*open(&copy)), 1);
}

#[test]
fn what_a_kill_loses_is_the_last_batches_whenever_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let rows = dir.path().join("rows");
    let engine = open(&rows);
    let mut found = Vec::new();
    Writer::during(&*engine, |writer| {
        let mut flushed = 0;
        for round in 1..=12 {
            writer.wait_for(round * 500);
            if round % 4 == 0 {
                let before = writer.written();
                block_on(engine.flush()).unwrap();
                flushed = before;
            }
            let killed = dir.path().join(format!("killed-{round}"));
            copy_at_once(&rows, &killed);
            let (kept, written) = (batches(&*open(&killed)), writer.written() + 1);
            assert!((flushed..=written).contains(&kept), "{flushed} to {written}: {kept}");
            found.push((kept, written));
        }
    });
    assert!(found.iter().any(|(kept, written)| kept < written), "nothing was ever lost: {found:?}");
    assert!(found.iter().any(|(kept, _)| *kept > 0), "everything was always lost: {found:?}");
}

#[test]
fn a_store_that_is_closed_without_a_flush_goes_on_from_some_batch() {
    let dir = tempfile::tempdir().unwrap();
    let mut kept = 0;
    for round in 1..=5 {
        let engine = open(dir.path());
        let durable = kept;
        let begun = batches(&*engine);
        assert!(begun >= durable, "{durable} batches were flushed, {begun} are there");
        (begun + 1..=begun + 700).for_each(|number| write(&*engine, number));
        if round % 2 == 0 {
            block_on(engine.flush()).unwrap();
            kept = begun + 700;
        }
    }
    let found = batches(&*open(dir.path()));
    assert!(found >= kept, "{kept} batches were flushed, {found} are there");
}

/// A copy of the folder as a kill at one moment would leave it. Row files come last: whatever the other files say of
/// them is true by then. Files that come or go meanwhile make it more than one moment: then again.
fn copy_at_once(from: &Path, to: &Path) {
    loop {
        std::fs::create_dir(to).unwrap();
        let before = names_in(from);
        match copy_files(from, to, &before) {
            Ok(()) if names_in(from) == before => return,
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            Ok(()) | Err(_) => std::fs::remove_dir_all(to).unwrap(),
        }
    }
}

fn copy_files(from: &Path, to: &Path, names: &BTreeSet<OsString>) -> io::Result<()> {
    let is_row_file = |name: &&OsString| Path::new(name).extension().is_some_and(|name| name == "sst");
    let (row_files, others): (Vec<_>, Vec<_>) = names.iter().partition(is_row_file);
    others
        .into_iter()
        .chain(row_files)
        .try_for_each(|name| std::fs::copy(from.join(name), to.join(name)).map(drop))
}

fn names_in(dir: &Path) -> BTreeSet<OsString> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}
