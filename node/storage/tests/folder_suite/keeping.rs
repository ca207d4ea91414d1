//! What stays while a node runs, and what goes: nothing goes that somebody reads from, and whatever failed for want of
//! space or of a file may be tried again.

use std::io::ErrorKind;
use std::sync::Arc;

use holdfast_storage::files::block_on;
use holdfast_storage::simulated::{DiskOperation, SimulatedDisk};
use holdfast_storage::snapshots::Snapshot;

use crate::node::{Node, Store, applied};
use crate::peer;

fn new_node() -> Node {
    Node::open(&SimulatedDisk::new(1), Store::Parts).unwrap()
}

fn take(node: &Node) -> Arc<Snapshot<SimulatedDisk>> {
    block_on(node.snapshots.build(&*node.generations.engine())).unwrap()
}

fn receive(node: &Node, index: u64) -> Result<Arc<Snapshot<SimulatedDisk>>, String> {
    let sent = peer::snapshot_at(index, Store::Parts);
    let mut receiving = node.snapshots.receive(sent.manifest.clone()).map_err(|error| error.to_string())?;
    peer::send(&sent, &mut receiving, usize::MAX).map_err(|error| error.to_string())?;
    block_on(node.snapshots.keep(receiving)).map_err(|error| error.to_string())
}

fn install(node: &Node) -> Result<(), String> {
    let latest = node.snapshots.latest().unwrap();
    let installed = block_on(node.generations.install(&latest.rows(), &latest.manifest.files));
    installed.map(drop).map_err(|error| error.to_string())
}

#[test]
fn rows_stay_while_somebody_reads_from_them() {
    let node = new_node();
    node.apply(3);
    let reader = node.generations.engine();
    receive(&node, 9).unwrap();
    install(&node).unwrap();
    node.generations.remove_retired().unwrap();
    assert_eq!((applied(&*reader), node.applied()), (3, 9));
    assert_eq!(node.folders()[..2], ["generation-000001", "generation-000002"]);

    drop(reader);
    node.generations.remove_retired().unwrap();
    assert_eq!(node.folders()[..1], ["generation-000002"]);
}

#[test]
fn rows_whose_pointer_could_not_be_synced_are_never_pointed_at_in_vain() {
    for (seed, nth) in (0..40).flat_map(|seed| (1..=4).map(move |nth| (seed, nth))) {
        let disk = SimulatedDisk::new(seed);
        let node = Node::open(&disk, Store::Parts).unwrap();
        node.apply(3);
        receive(&node, 9).unwrap();
        disk.fail(DiskOperation::SyncFolder, nth, ErrorKind::Other);
        let has_failed = install(&node).is_err();
        drop(node);
        disk.kill();
        disk.forget_failures();
        let applied = Node::open(&disk, Store::Parts).unwrap().applied();
        disk.crash();
        let context = format!("seed {seed}, sync {nth}, failed: {has_failed}");
        assert_eq!(Node::open(&disk, Store::Parts).map(|node| node.applied()), Ok(applied), "{context}");
    }
}

#[test]
fn a_snapshot_stays_while_somebody_holds_it() {
    let node = new_node();
    node.apply(3);
    let held = take(&node);
    node.apply(2);
    take(&node);
    node.check_snapshot(&held);

    drop(held);
    node.apply(1);
    take(&node);
    let latest = "00000000000000000006-1-1";
    assert_eq!(node.folders(), ["generation-000001", latest]);
}

#[test]
fn an_older_snapshot_never_takes_the_place_of_a_newer() {
    let node = new_node();
    node.apply(3);
    take(&node);
    receive(&node, 9).unwrap();
    node.apply(2);
    let older = take(&node);
    assert_eq!(older.manifest.mark.applied.index, 5);
    assert_eq!(node.snapshots.latest().unwrap().manifest.mark.applied.index, 9);
    let reopened = Node::open(&node.disk, Store::Parts).unwrap();
    assert_eq!(reopened.snapshots.latest().unwrap().manifest.mark.applied.index, 9);
}

#[test]
fn a_second_snapshot_of_the_same_rows_is_the_first() {
    let node = new_node();
    node.apply(3);
    assert!(Arc::ptr_eq(&take(&node), &take(&node)));
    assert_eq!(node.folders().len(), 2);
}

#[test]
fn rows_without_a_mark_make_no_snapshot() {
    let node = new_node();
    let error = block_on(node.snapshots.build(&*node.generations.engine())).err().unwrap();
    assert_eq!(error.to_string(), "the rows have no mark: nothing was ever applied");
    assert!(node.snapshots.latest().is_none());
}

/// Syncs are left out: a failed one is final.
const MAY_FAIL: [DiskOperation; 9] = [
    DiskOperation::Open,
    DiskOperation::List,
    DiskOperation::Read,
    DiskOperation::Create,
    DiskOperation::Write,
    DiskOperation::CreateFolder,
    DiskOperation::Rename,
    DiskOperation::Link,
    DiskOperation::Remove,
];

/// Lets every single operation of some work fail, does the work again, and looks at the outcome, before and after the
/// next start.
fn check(work: impl Fn(&Node) -> Result<(), String>, check: impl Fn(&Node, &str)) {
    let mut failures = 0;
    for operation in MAY_FAIL {
        for nth in 1.. {
            let context = format!("{operation:?} {nth}");
            let node = new_node();
            node.apply(3);
            take(&node);
            receive(&node, 9).unwrap();
            node.disk.fail(operation, nth, ErrorKind::StorageFull);
            let before = node.disk.count(operation);
            if work(&node).is_ok() && node.disk.count(operation) - before < nth {
                break;
            }
            failures += 1;
            work(&node).unwrap_or_else(|error| panic!("{context}, again: {error}"));
            check(&node, &context);
            block_on(node.generations.engine().flush()).unwrap();
            node.disk.kill();
            node.disk.crash();
            let reopened = Node::open(&node.disk, Store::Parts).unwrap();
            check(&reopened, &format!("{context}, later"));
            assert_eq!(reopened.folders().len(), 2, "{context}, later");
        }
    }
    assert!(failures > 10, "{failures} failures show little");
}

#[test]
fn an_install_that_failed_may_be_tried_again() {
    check(install, |node, context| assert_eq!(node.applied(), 9, "{context}"));
}

#[test]
fn a_snapshot_that_failed_may_be_taken_again() {
    let work = |node: &Node| {
        install(node)?;
        node.apply(2);
        let engine = node.generations.engine();
        block_on(node.snapshots.build(&*engine)).map(drop).map_err(|error| error.to_string())
    };
    check(work, |node, context| {
        let latest = node.snapshots.latest().unwrap();
        assert_eq!(latest.manifest.mark.applied.index, node.applied(), "{context}");
        assert!(node.applied() > 9, "{context}");
        node.check_snapshot(&latest);
    });
}

#[test]
fn a_snapshot_whose_arrival_failed_may_be_received_again() {
    let work = |node: &Node| receive(node, 12).map(drop);
    check(work, |node, context| {
        let latest = node.snapshots.latest().unwrap();
        assert_eq!(latest.manifest.mark.applied.index, 12, "{context}");
        node.check_snapshot(&latest);
    });
}
