//! The same log on the real file system, and with real threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use holdfast_storage::files::{
    File, Files, RealFiles, block_on, create_dir_durably, read_all, replace, write_new,
};
use holdfast_storage::log::{Log, LogOptions};
use tempfile::TempDir;

use crate::node::{GROUP, Node, dir, entry, id, small, watermark_path};
use crate::workload::{Workload, operations};

const WORKLOAD: &str = "
    vote
    append 10 20 300
    write
    truncate 1
    commit
    append 40 2000
    vote
    write
    append 400 400 400
    write
    purge 2
    write
    append 900 10
    write
    reopen
    append 30 30
    truncate 1
    write
    jump 7
    append 5
    append 600
    write
    purge 0
    append 900 900
    write
    append 20
";

fn temporary() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("a/node");
    (dir, root)
}

#[test]
fn a_workload_leaves_the_same_on_a_real_disk() {
    let (_dir, root) = temporary();
    let mut workload = Workload::new();
    for tail_bytes in [0, 500, 1_000_000] {
        let options = || LogOptions { tail_bytes, ..small() };
        let mut node = Node::open(&RealFiles, &root, options()).unwrap();
        workload.recover(&node, &|| format!("tail of {tail_bytes} bytes"));
        for operation in operations(WORKLOAD) {
            assert!(workload.run(&mut node, &options, &operation), "{:?}", node.error);
        }
        // As after a kill: no close, and the last append still waits.
        drop(node);
    }
    let node = Node::open(&RealFiles, &root, small()).unwrap();
    workload.recover(&node, &|| "the end".to_owned());
}

#[test]
fn a_kill_between_any_two_operations_is_survived() {
    let all = operations(WORKLOAD);
    for count in 0..all.len() {
        let (_dir, root) = temporary();
        let mut workload = Workload::new();
        let mut node = Node::open(&RealFiles, &root, small()).unwrap();
        for operation in &all[..count] {
            assert!(workload.run(&mut node, &small, operation));
        }
        let node = node.reopen(small()).unwrap();
        workload.recover(&node, &|| format!("after {count} operations"));
    }
}

#[test]
fn readers_see_whole_entries_while_the_writer_writes_and_purges() {
    const APPENDS: u64 = 600;
    const READERS: usize = 3;
    let (_dir, root) = temporary();
    let options = LogOptions { segment_bytes: 8 * 1024, tail_bytes: 2000, ..small() };
    let opening = Log::open(RealFiles, dir(&root), watermark_path(&root), GROUP, options);
    let (log, writer) = block_on(opening).unwrap();
    let writer = writer.spawn_thread("log-writer").unwrap();
    let (is_over, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    reads.fetch_add(read_all_entries(&log), Ordering::Relaxed);
                }
            });
        }
        let (durable, answers) = mpsc::channel();
        for index in 0..APPENDS {
            let durable = durable.clone();
            let entries = vec![entry(1, index, (index % 700) as usize, index as u8)];
            log.append(entries, Box::new(move |result| drop(durable.send((index, result)))));
            if index % 50 == 49 {
                log.purge(id(1, index - 30)).unwrap();
            }
        }
        drop(durable);
        let answered: Vec<u64> = answers
            .iter()
            .filter_map(|(index, result): (u64, std::io::Result<()>)| result.ok().map(|()| index))
            .collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(answered, (0..APPENDS).collect::<Vec<_>>(), "all of them, in order");
    });
    assert!(reads.load(Ordering::Relaxed) > 0);
    assert!(log.counters().syncs <= log.counters().records);
    drop(log);
    writer.join().unwrap().unwrap();

    let node = Node::open(&RealFiles, &root, small()).unwrap();
    assert_eq!(node.indexes(), (570..600).collect::<Vec<_>>());
}

fn read_all_entries(log: &Log<RealFiles>) -> u64 {
    let entries = log.entries(0..u64::MAX, None).unwrap();
    for entry in &entries {
        let index = entry.id.index;
        let payload = entry.payload.bytes();
        assert_eq!(payload.len() as u64, index % 700);
        assert!(payload.iter().all(|byte| *byte == index as u8));
    }
    assert!(entries.windows(2).all(|pair| pair[0].id.index + 1 == pair[1].id.index));
    entries.len() as u64
}

#[test]
fn a_plain_thread_appends_and_waits() {
    let (_dir, root) = temporary();
    let opening = Log::open(RealFiles, dir(&root), watermark_path(&root), GROUP, small());
    let (log, writer) = thread::spawn(|| block_on(opening)).join().unwrap().unwrap();
    let writer = writer.spawn_thread("log-writer").unwrap();
    let (durable, answers) = mpsc::channel();
    for index in 0..20 {
        let durable = durable.clone();
        log.append(vec![entry(1, index, 10, 0)], Box::new(move |result| durable.send(result).unwrap()));
        answers.recv().unwrap().unwrap();
        block_on(log.room());
    }
    log.close();
    writer.join().unwrap().unwrap();
    assert_eq!(log.entries(0..99, None).unwrap().len(), 20);
}

/// The handle stays, and the next segments are just being prepared: whoever opens the folder must not meet that.
#[test]
fn a_folder_may_be_opened_again_once_its_writer_has_ended() {
    let (_dir, root) = temporary();
    for round in 0..20_u64 {
        let options = LogOptions { segment_bytes: 4 << 20, ..LogOptions::default() };
        let opening = Log::open(RealFiles, dir(&root), watermark_path(&root), GROUP, options);
        let (log, writer) = block_on(opening).unwrap();
        assert_eq!(log.entries(0..99, None).unwrap().len() as u64, round);
        drop(writer.spawn_thread("log-writer").unwrap());
        log.append(vec![entry(1, round, 10, 0)], Box::new(|result| result.unwrap()));
        log.close();
        block_on(log.ended());
    }
}

#[test]
fn small_files_are_replaced_whole() {
    let (_dir, root) = temporary();
    let files = RealFiles;
    block_on(create_dir_durably(&files, &root)).unwrap();
    let path = root.join("identity");
    block_on(write_new(&files, &path, b"one")).unwrap();
    block_on(replace(&files, &path, b"two")).unwrap();
    // An attempt that was interrupted does not stand in the way.
    files.create(&root.join("identity.new"), 9).unwrap();
    block_on(replace(&files, &path, b"three")).unwrap();
    assert_eq!(read_all(&files, &path).unwrap(), b"three");
    assert_eq!(files.list(&root).unwrap(), ["identity"]);
}

#[test]
fn real_files_do_what_the_trait_says() {
    let (_dir, root) = temporary();
    check_files(&RealFiles, &root);
}

#[test]
fn simulated_files_do_what_the_trait_says() {
    check_files(&holdfast_storage::simulated::SimulatedDisk::new(1), Path::new("/a/node"));
}

fn check_files<F: Files>(files: &F, root: &Path) {
    let path = |name: &str| root.join(name);
    assert!(!files.exists(root).unwrap());
    assert!(files.list(root).is_err());
    files.create_dir_all(&path("folder")).unwrap();
    files.create_dir_all(&path("folder")).unwrap();

    let file = files.create(&path("file"), 10).unwrap();
    assert!(files.create(&path("file"), 10).is_err(), "never emptied");
    file.write_at(8, b"abcd").unwrap();
    assert_eq!(file.length().unwrap(), 12);
    let mut bytes = [1; 6];
    assert_eq!(file.read_at(7, &mut bytes).unwrap(), 5);
    assert_eq!(&bytes, b"\0abcd\x01");
    assert_eq!(file.read_at(12, &mut bytes).unwrap(), 0);
    assert_eq!(file.read_at(99, &mut bytes).unwrap(), 0);
    assert!(file.read_exact_at(7, &mut bytes).is_err());
    block_on(file.sync()).unwrap();

    files.link(&path("file"), &path("folder/link")).unwrap();
    assert!(files.link(&path("file"), &path("folder/link")).is_err());
    files.rename(&path("file"), &path("moved")).unwrap();
    assert!(files.open(&path("file")).is_err());
    files.remove_file(&path("moved")).unwrap();
    assert!(files.remove_file(&path("moved")).is_err());
    file.set_length(3).unwrap();
    assert_eq!(files.open(&path("folder/link")).unwrap().length().unwrap(), 3, "one file with two names");

    files.rename(&path("folder"), &path("renamed")).unwrap();
    assert_eq!(files.list(root).unwrap(), ["renamed"]);
    assert_eq!(files.list(&path("renamed")).unwrap(), ["link"]);
    block_on(files.sync_dir(root)).unwrap();
    files.remove_dir_all(&path("renamed")).unwrap();
    assert!(files.remove_dir_all(&path("renamed")).is_err());
    assert!(!files.exists(&path("renamed/link")).unwrap());
    assert_eq!(file.length().unwrap(), 3, "readable while it is open");
}

#[test]
fn what_a_node_keeps_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_guard, root) = temporary();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    block_on(create_dir_durably(&RealFiles, &root)).unwrap();
    block_on(write_new(&RealFiles, &root.join("identity"), b"secret")).unwrap();
    block_on(replace(&RealFiles, &root.join("identity"), b"another")).unwrap();
    assert_eq!((mode(&root), mode(&root.join("identity"))), (0o700, 0o600));
}
