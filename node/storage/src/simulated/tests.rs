//! The simulated disk keeps its promises, breaks what it did not promise, and does so the same way every time.

use std::collections::BTreeSet;
use std::future::Future;
use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::files::{File, Files, block_on, read_all};

const SEEDS: u64 = 2000;

/// What is left of `/file` after a crash, over all seeds.
fn outcomes(before_crash: impl Fn(&SimulatedDisk)) -> BTreeSet<Option<Vec<u8>>> {
    let outcome = |seed| {
        let disk = SimulatedDisk::new(seed);
        before_crash(&disk);
        disk.crash();
        read_all(&disk, Path::new("/file")).ok()
    };
    (0..SEEDS).map(outcome).collect()
}

fn synced_file(disk: &SimulatedDisk, bytes: &[u8]) -> SimulatedFile {
    let file = disk.create(Path::new("/file"), 0).unwrap();
    file.write_at(0, bytes).unwrap();
    block_on(file.sync()).unwrap();
    block_on(disk.sync_dir(Path::new("/"))).unwrap();
    file
}

fn some(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(bytes.to_vec())
}

#[test]
fn what_was_synced_survives() {
    let outcomes = outcomes(|disk| {
        synced_file(disk, b"kept");
    });
    assert_eq!(outcomes, BTreeSet::from([some(b"kept")]));
}

#[test]
fn what_was_not_synced_is_kept_lost_or_torn() {
    let outcomes = outcomes(|disk| {
        synced_file(disk, b"----").write_at(0, b"new").unwrap();
    });
    let all = [&b"----"[..], b"n---", b"ne--", b"new-"];
    assert_eq!(outcomes, all.into_iter().map(some).collect());
}

#[test]
fn without_a_sync_a_later_sector_may_survive_an_earlier_one() {
    let outcomes = outcomes(|disk| {
        let file = synced_file(disk, &[0; 1024]);
        file.write_at(0, b"a").unwrap();
        file.write_at(512, b"b").unwrap();
    });
    let firsts = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| (bytes[0], bytes[512])).unwrap();
    let seen: BTreeSet<(u8, u8)> = outcomes.iter().map(firsts).collect();
    assert_eq!(seen, BTreeSet::from([(0, 0), (b'a', 0), (0, b'b'), (b'a', b'b')]));
}

#[test]
fn a_name_needs_a_sync_of_its_folder() {
    let outcomes = outcomes(|disk| {
        let file = disk.create(Path::new("/file"), 0).unwrap();
        file.write_at(0, b"kept").unwrap();
        block_on(file.sync()).unwrap();
    });
    assert_eq!(outcomes, BTreeSet::from([None, some(b"kept")]));
}

#[test]
fn a_rename_happens_whole_or_not_at_all() {
    for seed in 0..SEEDS {
        let disk = SimulatedDisk::new(seed);
        synced_file(&disk, b"kept");
        disk.rename(Path::new("/file"), Path::new("/moved")).unwrap();
        disk.crash();
        assert_eq!(disk.list(Path::new("/")).unwrap().len(), 1);
    }
}

#[test]
fn a_folder_that_was_not_synced_takes_its_files_along() {
    let names: BTreeSet<Vec<String>> = (0..SEEDS)
        .map(|seed| {
            let disk = SimulatedDisk::new(seed);
            disk.create_dir_all(Path::new("/folder")).unwrap();
            let file = disk.create(Path::new("/folder/file"), 1).unwrap();
            block_on(file.sync()).unwrap();
            block_on(disk.sync_dir(Path::new("/folder"))).unwrap();
            disk.crash();
            disk.list(Path::new("/folder")).unwrap_or_default()
        })
        .collect();
    assert_eq!(names, BTreeSet::from([vec![], vec!["file".to_owned()]]));
}

#[test]
fn held_syncs_complete_in_any_order_and_cover_what_came_before_them() {
    let disk = SimulatedDisk::new(1);
    let file = synced_file(&disk, b"---");
    disk.set_sync_mode(SyncMode::Held);
    let mut context = Context::from_waker(Waker::noop());
    file.write_at(0, b"a").unwrap();
    let mut first = pin!(file.sync());
    file.write_at(1, b"b").unwrap();
    let mut second = pin!(file.sync());
    file.write_at(2, b"c").unwrap();
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    assert_eq!(disk.held_syncs(), 2);

    assert!(disk.complete_sync(1));
    assert!(matches!(second.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(disk.fail_sync(0, ErrorKind::Other));
    assert!(matches!(first.as_mut().poll(&mut context), Poll::Ready(Err(_))));
    assert!(!disk.complete_sync(0));
    disk.crash();
    assert!(read_all(&disk, Path::new("/file")).unwrap().starts_with(b"ab"));
}

#[test]
fn a_crash_ends_held_syncs_and_old_handles() {
    let disk = SimulatedDisk::new(1);
    let file = synced_file(&disk, b"kept");
    disk.set_sync_mode(SyncMode::Held);
    let mut sync = pin!(file.sync());
    let mut context = Context::from_waker(Waker::noop());
    assert!(sync.as_mut().poll(&mut context).is_pending());
    disk.crash();
    assert!(matches!(sync.as_mut().poll(&mut context), Poll::Ready(Err(_))));
    assert!(file.read_at(0, &mut [0]).is_err());
    assert!(file.write_at(0, b"x").is_err());
    assert!(disk.open(Path::new("/file")).is_ok());
}

#[test]
fn a_killed_process_loses_nothing_until_the_power_goes_too() {
    let outcomes = outcomes(|disk| {
        let file = synced_file(disk, b"--");
        disk.stop_at(disk.steps() + 1);
        file.write_at(0, b"nn").unwrap();
        assert!(block_on(file.sync()).is_err());
        disk.kill();
        assert!(file.read_at(0, &mut [0]).is_err(), "the handle is dead");
        assert_eq!(read_all(disk, Path::new("/file")).unwrap(), b"nn");
    });
    let all = [&b"--"[..], b"n-", b"nn"];
    assert_eq!(outcomes, all.into_iter().map(some).collect());
}

#[test]
fn a_failed_sync_loses_its_writes_though_reads_show_them_and_a_second_one_succeeds() {
    let outcomes = outcomes(|disk| {
        let file = synced_file(disk, b"---");
        file.write_at(0, b"new").unwrap();
        disk.fail(DiskOperation::Sync, 1, ErrorKind::Other);
        assert!(block_on(file.sync()).is_err());
        assert!(block_on(file.sync()).is_ok());
        assert_eq!(read_all(disk, Path::new("/file")).unwrap(), b"new");
    });
    assert_eq!(outcomes, BTreeSet::from([some(b"---")]));
}

#[test]
fn the_power_goes_at_the_step_it_was_told_to() {
    let disk = SimulatedDisk::new(1);
    let file = synced_file(&disk, b"kept");
    disk.stop_at(disk.steps() + 1);
    file.write_at(0, b"n").unwrap();
    assert!(file.write_at(1, b"e").is_err());
    assert!(disk.open(Path::new("/file")).is_err(), "nothing works without power");
    disk.crash();
    assert!(disk.open(Path::new("/file")).is_ok());
}

#[test]
fn the_nth_operation_fails_once() {
    let disk = SimulatedDisk::new(1);
    let file = synced_file(&disk, b"kept");
    disk.fail(DiskOperation::Read, 2, ErrorKind::InvalidData);
    let read = || file.read_at(0, &mut [0]).map_err(|error| error.kind());
    assert_eq!([read(), read(), read()], [Ok(1), Err(ErrorKind::InvalidData), Ok(1)]);
}

#[test]
fn a_full_disk_lets_files_change_but_not_grow() {
    let disk = SimulatedDisk::new(1);
    let file = synced_file(&disk, b"kept");
    disk.set_capacity(Some(4));
    assert!(file.write_at(0, b"four").is_ok());
    assert_eq!(file.write_at(1, b"four").unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.set_length(5).unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(disk.create(Path::new("/other"), 1).is_err());
}

#[test]
fn rot_stays() {
    let outcomes = outcomes(|disk| {
        synced_file(disk, &[0, 0]);
        disk.flip_bit(Path::new("/file"), 9).unwrap();
    });
    assert_eq!(outcomes, BTreeSet::from([some(&[0, 2])]));
}

#[test]
fn files_without_a_name_or_a_handle_are_forgotten() {
    let disk = SimulatedDisk::new(1);
    let file = synced_file(&disk, &[0; 100]);
    disk.remove_file(Path::new("/file")).unwrap();
    block_on(disk.sync_dir(Path::new("/"))).unwrap();
    assert_eq!(disk.lock().tree.bytes(), 100, "still open");
    drop(file);
    block_on(disk.sync_dir(Path::new("/"))).unwrap();
    assert_eq!(disk.lock().tree.bytes(), 0);
}

#[test]
fn one_seed_is_one_story() {
    let story = |seed| {
        let disk = SimulatedDisk::new(seed);
        let file = synced_file(&disk, &[0; 3000]);
        for turn in 0..20u8 {
            file.write_at(u64::from(turn) * 140, &[turn; 200]).unwrap();
        }
        disk.crash();
        read_all(&disk, Path::new("/file")).unwrap()
    };
    assert_eq!(story(7), story(7));
    assert!((0..20).map(story).collect::<BTreeSet<_>>().len() > 5);
}
