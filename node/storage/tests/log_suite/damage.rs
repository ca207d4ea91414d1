//! Damaged, missing and foreign files: what was acknowledged is missed by name, what was not is left out for good.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use holdfast_storage::files::{File, Files, read_all, replace};
use holdfast_storage::log::{Entry, Log, LogOptions, LogState, OpenError, Vote};
use holdfast_storage::simulated::{SimulatedDisk, SyncMode};

use crate::node::{GROUP, Node, at_once, dir, id, segment_path, small, watermark_path};

const HEADER_BYTES: usize = 128;
/// The record of an entry without a payload.
const ENTRY_RECORD_BYTES: usize = 42;

fn root() -> &'static Path {
    Path::new("/data")
}

fn options() -> LogOptions {
    LogOptions { segment_bytes: 512, ..small() }
}

fn open(disk: &SimulatedDisk) -> Result<Node<SimulatedDisk>, OpenError> {
    Node::open(disk, root(), options())
}

/// A vote and six entries in three segments, cleanly closed.
fn closed_log() -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk).unwrap();
    let vote = Vote { term: 1, node: 1, committed: true };
    node.log.save_vote(vote, node.done("vote"));
    for size in [100, 90, 80, 150, 100, 10] {
        node.append(&[size]);
        node.write();
    }
    node.log.close();
    assert!(!node.write());
    disk
}

/// What opening says after something happened to the disk.
fn check(spoil: impl FnOnce(&SimulatedDisk), expected: Expect) {
    let disk = closed_log();
    spoil(&disk);
    let said = match open(&disk) {
        Ok(node) => format!("entries {:?}", node.indexes()),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&said);
}

fn flip(disk: &SimulatedDisk, path: PathBuf, byte: usize) {
    disk.flip_bit(&path, byte * 8).unwrap();
}

#[test]
fn an_undamaged_log_has_all_its_entries() {
    check(|_| (), expect!["entries [0, 1, 2, 3, 4, 5]"]);
}

#[test]
fn rot_in_an_acknowledged_record_is_a_loss() {
    check(
        |disk| flip(disk, segment_path(root(), 2), HEADER_BYTES + 60),
        expect![
            "the log lost what it had acknowledged: its records end in segment 2 at byte 128; acknowledged up to entry 1.1.5, found up to entry 1.1.1; acknowledged vote 1.1 committed"
        ],
    );
}

#[test]
fn rot_in_an_acknowledged_header_is_a_loss() {
    check(
        |disk| flip(disk, segment_path(root(), 1), 30),
        expect![
            "the log lost what it had acknowledged: segments are missing or unreadable; acknowledged up to entry 1.1.5, found up to entry 1.1.5; acknowledged vote 1.1 committed"
        ],
    );
}

#[test]
fn a_missing_segment_is_a_loss_wherever_it_was() {
    check(
        |disk| disk.remove_file(&segment_path(root(), 1)).unwrap(),
        expect![
            "the log lost what it had acknowledged: segments are missing or unreadable; acknowledged up to entry 1.1.5, found up to entry 1.1.5; acknowledged vote 1.1 committed"
        ],
    );
    check(
        |disk| disk.remove_file(&segment_path(root(), 2)).unwrap(),
        expect![
            "the log lost what it had acknowledged: segments are missing or unreadable; acknowledged up to entry 1.1.5, found up to entry 1.1.5; acknowledged vote 1.1 committed"
        ],
    );
    check(
        |disk| disk.remove_file(&segment_path(root(), 3)).unwrap(),
        expect![
            "the log lost what it had acknowledged: segments are missing or unreadable; acknowledged up to entry 1.1.5, found up to entry none; acknowledged vote 1.1 committed"
        ],
    );
}

#[test]
fn a_missing_folder_is_a_loss_and_not_a_new_log() {
    check(
        |disk| disk.remove_dir_all(&dir(root())).unwrap(),
        expect![
            "the log lost what it had acknowledged: its folder is gone; acknowledged up to entry 1.1.5, found up to entry none; acknowledged vote 1.1 committed"
        ],
    );
}

#[test]
fn a_log_that_was_there_is_never_begun_anew() {
    // Nothing at all; an empty folder; a founding that was interrupted, which `open` would go on with.
    for spoil in [
        |disk: &SimulatedDisk| disk.remove_dir_all(&dir(root())).unwrap(),
        |disk: &SimulatedDisk| disk.remove_file(&segment_path(root(), 1)).unwrap(),
        |_: &SimulatedDisk| (),
    ] {
        let disk = SimulatedDisk::new(1);
        drop(open(&disk).unwrap());
        disk.remove_file(&watermark_path(root())).unwrap();
        spoil(&disk);
        let reopening = Log::reopen(disk.clone(), dir(root()), watermark_path(root()), GROUP, options());
        let error = at_once(reopening).err().unwrap();
        assert!(matches!(error, OpenError::WatermarkLost { .. }), "{error}");
        assert!(open(&disk).is_ok(), "to whoever knows of no log it is a new one");
    }
}

#[test]
fn a_log_that_was_founded_and_not_used_is_reopened() {
    let disk = SimulatedDisk::new(1);
    drop(open(&disk).unwrap());
    let (log, _) = at_once(Log::reopen(disk, dir(root()), watermark_path(root()), GROUP, options())).unwrap();
    assert_eq!(log.state(), LogState::default());
}

#[test]
fn a_log_without_its_watermark_cannot_vouch_for_its_end() {
    check(
        |disk| disk.remove_file(&watermark_path(root())).unwrap(),
        expect!["the log's watermark /data/log.watermark is missing or damaged"],
    );
}

#[test]
fn a_log_that_was_put_back_from_an_older_copy_is_a_loss() {
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk).unwrap();
    node.append(&[10]);
    node.write();
    let older = read_all(&disk, &segment_path(root(), 1)).unwrap();
    node.append(&[10]);
    node.write();
    drop(node);
    let file = disk.open(&segment_path(root(), 1)).unwrap();
    file.write_at(0, &older).unwrap();
    let error = open(&disk).err().unwrap();
    expect!["the log lost what it had acknowledged: its records end in segment 1 at byte 180; acknowledged up to entry 1.1.1, found up to entry 1.1.0; acknowledged vote none"].assert_eq(&error.to_string());
}

#[test]
fn another_groups_log_is_refused_even_without_records() {
    let empty = SimulatedDisk::new(1);
    drop(open(&empty).unwrap());
    for disk in [closed_log(), empty] {
        let opening = Log::open(disk, dir(root()), watermark_path(root()), 9, options());
        let error = at_once(opening).err().unwrap();
        assert!(matches!(error, OpenError::WrongGroup { expected: 9, found: GROUP }), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_and_not_cut_off() {
    check(
        |disk| disk.flip_bit(&segment_path(root(), 2), 8 * 8 + 4).unwrap(),
        expect!["/data/log/00000000000000000002.log: version 17"],
    );
    check(
        |disk| disk.flip_bit(&watermark_path(root()), 8 * 8 + 4).unwrap(),
        expect!["/data/log.watermark: version 17"],
    );
}

#[test]
fn no_flipped_bit_of_a_live_record_or_header_goes_unnoticed() {
    let live = [(1, 512 - 40), (2, 512 - 40), (3, 300)];
    for (segment, bytes) in live {
        for bit in 0..bytes * 8 {
            let disk = closed_log();
            let before = read_all(&disk, &segment_path(root(), segment)).unwrap();
            disk.flip_bit(&segment_path(root(), segment), bit).unwrap();
            let is_padding = (121..HEADER_BYTES).contains(&(bit / 8));
            let is_used = before[bit / 8..].iter().any(|byte| *byte != 0);
            if let Ok(node) = open(&disk) {
                assert!(!is_used || is_padding, "bit {bit} of segment {segment}");
                assert_eq!(node.indexes(), [0, 1, 2, 3, 4, 5]);
            }
        }
    }
}

#[test]
fn one_damaged_watermark_slot_is_made_up_for_by_the_other() {
    for byte in (16..91).flat_map(|byte| [byte, 4096 + byte]) {
        let disk = closed_log();
        flip(&disk, watermark_path(root()), byte);
        let node = open(&disk).unwrap();
        assert_eq!(node.indexes(), [0, 1, 2, 3, 4, 5], "byte {byte}");
    }
}

#[test]
fn rot_after_the_watermark_is_cut_off() {
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk).unwrap();
    node.append(&[0]);
    node.write();
    disk.set_sync_mode(SyncMode::Held);
    node.append(&[0, 0]);
    node.write();
    assert_eq!(node.take_answers(), ["append 0+1"], "the second one waits for its sync");
    disk.set_sync_mode(SyncMode::Immediate);

    flip(&disk, segment_path(root(), 1), HEADER_BYTES + 2 * ENTRY_RECORD_BYTES + 20);
    let node = node.reopen(options()).unwrap();
    assert_eq!(node.indexes(), [0, 1]);
}

#[test]
fn a_committed_hint_comes_after_the_entries_it_names() {
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk).unwrap();
    disk.set_sync_mode(SyncMode::Held);
    node.append(&[0]);
    node.log.save_committed(Some(id(1, 0))).unwrap();
    node.write();
    disk.set_sync_mode(SyncMode::Immediate);
    flip(&disk, segment_path(root(), 1), HEADER_BYTES + ENTRY_RECORD_BYTES + 20);
    let node = node.reopen(options()).unwrap();
    assert_eq!((node.indexes(), node.log.committed()), (vec![0], None));
}

#[test]
fn an_undamaged_record_in_the_place_of_another_is_noticed() {
    const VOTE_RECORD_BYTES: usize = 34;
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk).unwrap();
    for term in 1..4 {
        node.log.save_vote(Vote { term, node: 1, committed: false }, node.done("vote"));
    }
    node.write();
    drop(node);
    let path = segment_path(root(), 1);
    let bytes = read_all(&disk, &path).unwrap();
    let third = &bytes[HEADER_BYTES + 2 * VOTE_RECORD_BYTES..][..VOTE_RECORD_BYTES];
    disk.open(&path).unwrap().write_at((HEADER_BYTES + VOTE_RECORD_BYTES) as u64, third).unwrap();
    let error = open(&disk).err().unwrap();
    expect!["the log lost what it had acknowledged: its records end in segment 1 at byte 162; acknowledged up to entry none, found up to entry none; acknowledged vote 3.1"].assert_eq(&error.to_string());
}

#[test]
fn what_was_cut_off_never_comes_back_when_its_predecessor_is_written_again() {
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk).unwrap();
    disk.set_sync_mode(SyncMode::Held);
    node.append(&[0, 0]);
    node.write();
    disk.set_sync_mode(SyncMode::Immediate);
    flip(&disk, segment_path(root(), 1), HEADER_BYTES + 20);

    // Entry 0 again, byte for byte: entry 1 would fit right behind it.
    let mut node = node.reopen(options()).unwrap();
    assert_eq!(node.indexes(), []);
    node.append(&[0]);
    node.write();
    assert_eq!(node.reopen(options()).unwrap().indexes(), [0]);
}

/// Entries of 50 to 150 bytes in three segments, of which only the very first entry is left after the next start:
/// as if the watermark had not come any further, and the end of segment 1 had not reached the disk.
fn segments_without_their_predecessor(seed: u64) -> (SimulatedDisk, Vec<Entry>) {
    let disk = SimulatedDisk::new(seed);
    let mut node = open(&disk).unwrap();
    node.append(&[150, 100, 150, 100, 50]);
    node.write();
    let entries = node.log.entries(0..9, None).unwrap();
    drop(node);
    assert!(disk.exists(&segment_path(root(), 3)).unwrap());
    at_once(rewind_watermark(&disk));
    flip(&disk, segment_path(root(), 1), HEADER_BYTES + ENTRY_RECORD_BYTES + 150 + 30);
    (disk, entries)
}

#[test]
fn segments_that_lost_their_predecessor_never_come_back() {
    let (disk, entries) = segments_without_their_predecessor(1);
    let mut node = open(&disk).unwrap();
    assert_eq!(node.indexes(), [0]);
    // The same entries again, one by one: the next of the lost ones would always fit behind them.
    for count in 2..=4 {
        node.log.append(vec![entries[count - 1].clone()], node.done("again"));
        node.write();
        node = node.reopen(options()).unwrap();
        assert_eq!(node.log.entries(0..9, None).unwrap(), entries[..count]);
    }
}

#[test]
fn segments_that_lost_their_predecessor_are_gone_once_the_log_is_open() {
    for seed in 0..20 {
        let (disk, _) = segments_without_their_predecessor(seed);
        drop(open(&disk).unwrap());
        disk.crash();
        assert_eq!(disk.list(&dir(root())).unwrap().len(), 1);
    }
}

/// Puts back the watermark of a log without records.
async fn rewind_watermark(disk: &SimulatedDisk) {
    let other = SimulatedDisk::new(1);
    drop(open(&other).unwrap());
    let empty = read_all(&other, &watermark_path(root())).unwrap();
    replace(disk, &watermark_path(root()), &empty).await.unwrap();
}

#[test]
fn records_of_a_recycled_segments_earlier_life_never_come_back() {
    let disk = SimulatedDisk::new(1);
    let mut node = open(&disk).unwrap();
    // Nine records of equal length fill a segment, so old ones begin exactly where new ones end.
    for index in 0..40 {
        node.append(&[0]);
        node.write();
        if index % 9 == 8 {
            node.log.purge(node.log.state().last.unwrap()).unwrap();
            node.write();
        }
        let live = node.indexes();
        node = node.reopen(options()).unwrap();
        node.write();
        assert_eq!(node.indexes(), live);
    }
    let mut node = open(&disk).unwrap();
    node.write();
    for _ in 0..100 {
        node.append(&[0]);
        node.write();
        node.log.purge(node.log.state().last.unwrap()).unwrap();
        node.write();
    }
    assert!(node.log.counters().segments_recycled > 5);
    node.append(&[0]);
    node.write();
    assert_eq!(node.reopen(options()).unwrap().indexes(), [140]);
}
