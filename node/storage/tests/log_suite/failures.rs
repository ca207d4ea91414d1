//! Failing, slow and full disks, and what the callers hear of them.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use expect_test::expect;
use holdfast_storage::files::Files;
use holdfast_storage::log::{Clock, LogOptions, QUEUE_COUNT_MAX, QUEUE_ROOM_COUNT, Vote};
use holdfast_storage::simulated::{DiskOperation, SimulatedDisk, SyncMode};

use crate::node::{Node, dir, entry, id, segment_path, small};

const VOTE: Vote = Vote { term: 7, node: 2, committed: false };

fn open(disk: &SimulatedDisk) -> Node<SimulatedDisk> {
    Node::open(disk, Path::new("/data"), small()).unwrap()
}

/// A log whose next segment is ready, so that the writer has nothing to do but what it is asked.
fn idle() -> (SimulatedDisk, Node<SimulatedDisk>) {
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk);
    assert!(node.write());
    (disk, node)
}

#[test]
fn a_lone_append_costs_one_write_and_one_sync_and_the_watermarks_write() {
    let disk = SimulatedDisk::new(1);
    let still = LogOptions { clock: Arc::new(|| Duration::ZERO), ..small() };
    let mut node = Node::open(&disk, Path::new("/data"), still).unwrap();
    node.write();
    let before = (disk.steps(), disk.count(DiskOperation::Write), disk.count(DiskOperation::Sync));
    node.append(&[100]);
    node.write();
    assert_eq!(disk.steps() - before.0, 3);
    assert_eq!(disk.count(DiskOperation::Write) - before.1, 2);
    assert_eq!(disk.count(DiskOperation::Sync) - before.2, 1);
}

#[test]
fn a_batch_is_answered_in_order_after_one_sync() {
    let (disk, mut node) = idle();
    disk.set_sync_mode(SyncMode::Held);
    node.append(&[10]);
    node.log.save_vote(VOTE, node.done("vote"));
    node.append(&[10, 10]);
    node.write();
    assert_eq!(node.indexes(), [0, 1, 2], "readable before they are durable");
    assert_eq!(node.log.vote(), Some(VOTE));
    assert_eq!((node.take_answers().len(), disk.held_syncs()), (0, 1));

    node.append(&[10]);
    node.write();
    disk.complete_sync(0);
    node.write();
    assert_eq!(node.take_answers(), ["append 0+1", "vote", "append 1+2"], "not what came during the sync");
    disk.complete_sync(0);
    node.write();
    assert_eq!(node.take_answers(), ["append 3+1"]);
}

#[test]
fn a_crash_while_a_sync_is_held_leaves_a_prefix_and_answers_with_errors() {
    for seed in 0..50 {
        let disk = SimulatedDisk::new(seed);
        let mut node = open(&disk);
        node.write();
        disk.set_sync_mode(SyncMode::Held);
        node.append(&[10, 10]);
        node.write();
        node.append(&[10]);
        disk.crash();
        node.write();
        expect![[r#"
            append 0+2: the simulated disk lost its power
            append 2+1: the simulated disk lost its power"#]]
        .assert_eq(&node.take_answers().join("\n"));
        disk.set_sync_mode(SyncMode::Immediate);
        let indexes = node.reopen(small()).unwrap().indexes();
        assert!([0, 1, 2].starts_with(&indexes), "{indexes:?}");
    }
}

#[test]
fn a_failed_sync_stops_the_log_for_good() {
    let (disk, mut node) = idle();
    node.append(&[10]);
    node.write();
    disk.fail(DiskOperation::Sync, 1, ErrorKind::InvalidData);
    node.append(&[10]);
    assert!(!node.write());
    node.append(&[10]);
    node.log.save_vote(VOTE, node.done("vote"));
    expect![[r#"
        append 0+1
        append 1+1: simulated failure
        append 2+1: simulated failure
        vote: simulated failure"#]]
    .assert_eq(&node.take_answers().join("\n"));
    assert!(node.log.truncate_after(None).is_err());
    assert!(node.log.purge(id(1, 0)).is_err());
    assert!(node.log.save_committed(None).is_err());
    assert_eq!(node.error.as_ref().unwrap().kind(), ErrorKind::InvalidData);
    assert_eq!(node.log.vote(), None, "a refused call changes nothing");
}

#[test]
fn whoever_hears_of_a_failure_is_refused_from_then_on() {
    let (disk, mut node) = idle();
    disk.fail(DiskOperation::Sync, 1, ErrorKind::Other);
    let log = node.log.clone();
    let done = node.done("later");
    node.log.append(vec![entry(1, 0, 10, 0)], Box::new(move |_| log.save_vote(VOTE, done)));
    node.write();
    assert_eq!(node.take_answers(), ["later: simulated failure"]);
    assert_eq!(node.log.vote(), None);
}

#[test]
fn a_failed_write_stops_the_log_whatever_was_to_be_written() {
    for nth in 1..20 {
        let (disk, mut node) = idle();
        disk.fail(DiskOperation::Write, nth, ErrorKind::Other);
        for _ in 0..10 {
            node.append(&[300]);
            node.write();
        }
        node.append(&[0]);
        let answers = node.take_answers();
        assert!(answers.last().unwrap().contains("simulated failure"), "write {nth}: {answers:?}");
        let answered = answers.iter().filter(|answer| !answer.contains(": ")).count();
        let node = node.reopen(small()).unwrap();
        assert!(node.indexes().len() >= answered, "write {nth}");
    }
}

#[test]
fn what_a_restart_finds_after_a_failed_sync_is_put_on_the_disk_before_it_counts() {
    // The second time the entries go to more than one segment, and the sync that fails is that of the first.
    for sizes in [&[10, 10][..], &[600, 600]] {
        for seed in 0..20 {
            let disk = SimulatedDisk::new(seed);
            let mut node = open(&disk);
            node.write();
            disk.fail(DiskOperation::Sync, 1, ErrorKind::Other);
            node.append(sizes);
            assert!(!node.write());
            // The cache shows the entries though the disk will never have them by itself.
            let node = node.reopen(small()).unwrap();
            assert_eq!(node.indexes(), [0, 1]);
            disk.crash();
            assert_eq!(node.reopen(small()).unwrap().indexes(), [0, 1]);
        }
    }
}

#[test]
fn a_full_disk_stops_the_log_when_its_last_segment_is_full() {
    let (disk, mut node) = idle();
    node.append(&[800]);
    node.write();
    disk.set_capacity(Some(10 * 1024));
    // Segment 2 is prepared already; there is no room for a third.
    node.append(&[800]);
    assert!(node.write());
    node.append(&[10]);
    assert!(node.write());
    node.append(&[800]);
    assert!(!node.write());
    expect![[r#"
        append 0+1
        append 1+1
        append 2+1
        append 3+1: the simulated disk is full"#]]
    .assert_eq(&node.take_answers().join("\n"));
    disk.crash();
    disk.set_capacity(None);
    assert!(open(&disk).indexes().starts_with(&[0, 1, 2]));
}

#[test]
fn a_disk_that_gets_room_again_in_time_does_not_stop_the_log() {
    let (disk, mut node) = idle();
    disk.set_capacity(Some(0));
    node.append(&[800]);
    node.write();
    node.append(&[500]);
    node.write();
    disk.set_capacity(None);
    node.append(&[10]);
    node.write();
    node.append(&[800, 800]);
    assert!(node.write());
}

#[test]
fn a_failed_read_is_the_readers_problem_only() {
    let (disk, mut node) = idle();
    for _ in 0..5 {
        node.append(&[200]);
        node.write();
    }
    disk.fail(DiskOperation::Read, 1, ErrorKind::Other);
    assert!(node.log.entries(0..1, None).is_err());
    assert_eq!(node.indexes(), [0, 1, 2, 3, 4]);
    disk.flip_bit(&segment_path(Path::new("/data"), 1), 8 * 200).unwrap();
    let error = node.log.entries(0..1, None).unwrap_err();
    expect!["entry 1.1.0 is damaged, in segment 1 at byte 128"].assert_eq(&error.to_string());
    node.append(&[10]);
    assert!(node.write());
}

#[test]
fn a_writer_that_is_dropped_answers_everything() {
    let (disk, mut node) = idle();
    disk.set_sync_mode(SyncMode::Held);
    node.append(&[10]);
    node.write();
    node.append(&[10]);
    node.drop_writer();
    node.append(&[10]);
    expect![[r#"
        append 0+1: the log's writer is gone
        append 1+1: the log's writer is gone
        append 2+1: the log's writer is gone"#]]
    .assert_eq(&node.take_answers().join("\n"));
}

#[test]
fn closing_writes_what_waits_and_refuses_the_rest() {
    let (disk, mut node) = idle();
    node.append(&[10]);
    node.write();
    node.append(&[10, 10]);
    node.log.truncate_after(Some(1)).unwrap();
    node.log.save_committed(Some(id(1, 1))).unwrap();
    node.log.close();
    node.append(&[10]);
    assert!(!node.write());
    assert!(node.error.is_none());
    expect![[r#"
        append 0+1
        append 2+1: the log is closed
        append 1+2"#]]
    .assert_eq(&node.take_answers().join("\n"));
    disk.crash();
    let node = node.reopen(small()).unwrap();
    assert_eq!((node.indexes(), node.log.committed()), (vec![0, 1], Some(id(1, 1))));
}

#[test]
fn dropping_the_last_handle_closes_the_log() {
    let (disk, node) = idle();
    node.append(&[10]);
    let other = node.log.clone();
    let mut writer = node.into_writer();
    let mut context = Context::from_waker(Waker::noop());
    assert!(writer.as_mut().poll(&mut context).is_pending());
    drop(other);
    assert!(matches!(writer.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
    assert_eq!(open(&disk).indexes(), [0]);
}

#[test]
fn a_committed_hint_costs_nothing_and_rides_along() {
    let (disk, mut node) = idle();
    node.append(&[10, 10]);
    node.write();
    let steps = disk.steps();
    node.log.save_committed(Some(id(1, 0))).unwrap();
    node.log.save_committed(Some(id(1, 1))).unwrap();
    node.write();
    assert_eq!((disk.steps(), node.log.committed()), (steps, Some(id(1, 1))));
    let records = node.log.counters().records;
    node.append(&[10]);
    node.write();
    assert_eq!(node.log.counters().records - records, 2);
    assert_eq!(node.reopen(small()).unwrap().log.committed(), Some(id(1, 1)));
}

#[test]
fn a_committed_hint_never_names_an_entry_that_is_not_there() {
    let (_, mut node) = idle();
    node.append(&[10, 10, 10]);
    node.log.save_committed(Some(id(1, 2))).unwrap();
    node.write();
    node.log.truncate_after(Some(0)).unwrap();
    node.write();
    let mut node = node.reopen(small()).unwrap();
    assert_eq!(node.log.committed(), Some(id(1, 0)));
    // And once more, now that the stream and the handle say different things.
    for _ in 0..9 {
        node.append(&[300]);
        node.write();
    }
    assert_eq!(node.reopen(small()).unwrap().indexes().len(), 10);
}

#[test]
fn a_steady_log_writes_no_zeros_and_keeps_few_files() {
    let (disk, mut node) = idle();
    let cycle = |node: &mut Node<SimulatedDisk>| {
        node.append(&[400, 400]);
        node.write();
        node.log.purge(node.log.state().last.unwrap()).unwrap();
        node.write();
    };
    (0..10).for_each(|_| cycle(&mut node));
    let creations = disk.count(DiskOperation::Create);
    let counters = node.log.counters();
    (0..50).for_each(|_| cycle(&mut node));
    assert_eq!(disk.count(DiskOperation::Create), creations);
    let now = node.log.counters();
    assert_eq!(now.segments - counters.segments, now.segments_recycled - counters.segments_recycled);
    let files = disk.list(&dir(Path::new("/data"))).unwrap().len();
    assert!(files <= 4, "{files} files: the current one, the next one and two spares");
    assert_eq!(node.log.size().file_bytes, files as u64 * 1024);
    assert!(node.reopen(small()).unwrap().log.size().file_bytes > 0);
}

#[test]
fn a_segment_that_began_with_a_truncation_is_marked_before_older_ones_go() {
    for seed in 0..20 {
        let disk = SimulatedDisk::new(seed);
        let clock: Clock = Arc::new(|| Duration::ZERO);
        let still = || LogOptions { clock: clock.clone(), spare_segments_max: 0, ..small() };
        let mut node = Node::open(&disk, Path::new("/data"), still()).unwrap();
        // Only 30 bytes are left in the first segment: the truncation's record goes to the second, and syncs nothing.
        node.append(&[10, 772]);
        node.write();
        node.log.truncate_after(Some(0)).unwrap();
        node.write();
        assert_eq!(node.log.counters().segments, 1);
        node.log.purge(id(2, 5)).unwrap();
        node.write();
        disk.crash();
        assert_eq!(node.reopen(still()).unwrap().log.state().last, Some(id(2, 5)));
    }
}

#[test]
fn a_purge_that_frees_much_is_worked_off_in_steps() {
    let (disk, mut node) = idle();
    for _ in 0..30 {
        node.append(&[800]);
        node.write();
    }
    node.log.purge(id(1, 29)).unwrap();
    node.write();
    let files = disk.list(&dir(Path::new("/data"))).unwrap().len();
    assert!(files <= 4, "{files} files");
    disk.crash();
    let node = node.reopen(small()).unwrap();
    assert_eq!((node.indexes(), node.log.state().last), (vec![], Some(id(1, 29))));
}

#[test]
fn feeders_wait_for_room_and_a_flood_stops_the_log() {
    let (_, mut node) = idle();
    let log = node.log.clone();
    let mut room = Box::pin(log.room());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..QUEUE_ROOM_COUNT {
        log.save_vote(VOTE, Box::new(|_| ()));
    }
    assert!(room.as_mut().poll(&mut context).is_pending());
    node.write();
    assert!(room.as_mut().poll(&mut context).is_ready());

    for _ in 0..QUEUE_COUNT_MAX {
        log.save_vote(VOTE, Box::new(|result| result.unwrap()));
    }
    node.append(&[10]);
    node.log.save_vote(VOTE, node.done("vote"));
    assert!(!node.write(), "what was accepted is still written");
    expect![[r#"
        append 0+1: the log's queue is full: its disk is too slow
        vote: the log's queue is full: its disk is too slow"#]]
    .assert_eq(&node.take_answers().join("\n"));
}
