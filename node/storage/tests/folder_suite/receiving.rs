//! What a node takes of a snapshot that another one sends: exactly what its manifest says, in order, and nothing else.

use std::fmt::Write as _;
use std::sync::Arc;

use expect_test::{Expect, expect};
use holdfast_storage::files::{Files, block_on};
use holdfast_storage::identity::ClusterId;
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::snapshots::{Manifest, ReceiveError, Receiving, Snapshot};

use crate::node::{Node, Store, snapshots_dir};
use crate::peer;

/// The last entry in the snapshot that is sent.
const SENT: u64 = 6;

fn new_node() -> Node {
    Node::open(&SimulatedDisk::new(1), Store::Parts).unwrap()
}

fn sent() -> Arc<Snapshot<SimulatedDisk>> {
    peer::snapshot_at(SENT, Store::Parts)
}

/// Bytes of a file that is sent; beyond its end, and of files that are not, zeros.
fn bytes_of(sent: &Snapshot<SimulatedDisk>, file: usize, offset: u64, count: usize) -> Vec<u8> {
    let file = sent.manifest.files.get(file);
    let mut bytes = file.map_or_else(Vec::new, |file| sent.read(file, offset, count).unwrap().to_vec());
    bytes.resize(count, 0);
    bytes
}

/// Sends one line's worth. `rest` is all of the file from the offset on.
fn send(line: &str, receiving: &mut Receiving<SimulatedDisk>) -> Result<(), ReceiveError> {
    let sent = sent();
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |nth: usize| if words[nth] == "max" { u64::MAX } else { words[nth].parse().unwrap() };
    let file = number(1) as usize;
    let described = sent.manifest.files.get(file);
    match words[0] {
        "piece" => {
            let offset = number(2);
            let rest = described.map_or(0, |file| file.length.saturating_sub(offset));
            let count = match words[3] {
                "rest" => rest,
                "rest+1" => rest + 1,
                _ => number(3),
            };
            receiving.piece(file, offset, &bytes_of(&sent, file, offset, count as usize))
        }
        "rotten" => {
            let mut bytes = bytes_of(&sent, file, 0, described.unwrap().length as usize);
            bytes[number(2) as usize] ^= 1;
            receiving.piece(file, 0, &bytes)
        }
        "end" => block_on(receiving.end_file(file, described.map_or(0, |file| file.checksum))),
        "end-as" => block_on(receiving.end_file(file, sent.manifest.files[number(2) as usize].checksum)),
        "whole" => {
            let bytes = bytes_of(&sent, file, 0, described.unwrap().length as usize);
            receiving.piece(file, 0, &bytes)?;
            block_on(receiving.end_file(file, described.unwrap().checksum))
        }
        unknown => panic!("{unknown}?"),
    }
}

/// What a node answers to each line, and whether it keeps the snapshot in the end.
fn check(script: &str, expected: Expect) {
    let node = new_node();
    let mut receiving = node.snapshots.receive(sent().manifest.clone()).unwrap();
    let mut said = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let answer = send(line, &mut receiving).map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        writeln!(said, "{line} -> {answer}").unwrap();
    }
    let kept = block_on(node.snapshots.keep(receiving)).map(|kept| {
        node.check_snapshot(&kept);
        assert_eq!(kept.manifest, sent().manifest);
    });
    match kept {
        Ok(()) => said.push_str("kept\n"),
        Err(error) => {
            writeln!(said, "not kept: {error}").unwrap();
            assert_nothing_is_kept(&node);
        }
    }
    expected.assert_eq(&said);
}

/// Neither now nor after the next start.
fn assert_nothing_is_kept(node: &Node) {
    assert!(node.snapshots.latest().is_none());
    let reopened = Node::open(&node.disk, Store::Parts).unwrap();
    assert!(reopened.snapshots.latest().is_none());
    assert_eq!(reopened.folders(), ["generation-000001"]);
}

/// What a node says to a manifest; before it has changed anything.
fn check_manifest(change: impl FnOnce(&mut Manifest), expected: Expect) {
    let node = new_node();
    let mut manifest = sent().manifest.clone();
    change(&mut manifest);
    let said = node.snapshots.receive(manifest).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
    expected.assert_eq(&said);
    assert_eq!(node.disk.list(&snapshots_dir()).unwrap().is_empty(), said != "ok");
}

#[test]
fn what_is_sent_in_order_is_kept() {
    check(
        "whole 0\n whole 1\n whole 2\n whole 3",
        expect![[r#"
        whole 0 -> ok
        whole 1 -> ok
        whole 2 -> ok
        whole 3 -> ok
        kept
    "#]],
    );
    check(
        "piece 0 0 0\n piece 0 0 1\n piece 0 1 0\n piece 0 1 rest\n end 0\n whole 1\n whole 2\n whole 3",
        expect![[r#"
            piece 0 0 0 -> ok
            piece 0 0 1 -> ok
            piece 0 1 0 -> ok
            piece 0 1 rest -> ok
            end 0 -> ok
            whole 1 -> ok
            whole 2 -> ok
            whole 3 -> ok
            kept
        "#]],
    );
}

#[test]
fn what_does_not_come_next_is_refused_and_changes_nothing() {
    check(
        "
        whole 0
        piece 0 0 1
        piece 2 0 1
        piece 4 0 1
        piece max 0 0
        piece 1 1 1
        piece 1 max 1
        piece 1 0 10
        piece 1 0 10
        piece 1 9 1
        piece 1 11 1
        piece 1 max 0
        end 0
        end 2
        end max
        end 1
        piece 1 10 1000
        piece 1 10 rest+1
        piece 1 10 rest
        piece 1 29 1
        end 1
        whole 2
        whole 3
        piece 4 0 1
        piece 3 0 1
        end 4
        end 3
        ",
        expect![[r#"
            whole 0 -> ok
            piece 0 0 1 -> 0 at 0: that piece of a snapshot was not expected
            piece 2 0 1 -> 2 at 0: that piece of a snapshot was not expected
            piece 4 0 1 -> 4 at 0: that piece of a snapshot was not expected
            piece max 0 0 -> 18446744073709551615 at 0: that piece of a snapshot was not expected
            piece 1 1 1 -> 1 at 1: that piece of a snapshot was not expected
            piece 1 max 1 -> 1 at 18446744073709551615: that piece of a snapshot was not expected
            piece 1 0 10 -> ok
            piece 1 0 10 -> 1 at 0: that piece of a snapshot was not expected
            piece 1 9 1 -> 1 at 9: that piece of a snapshot was not expected
            piece 1 11 1 -> 1 at 11: that piece of a snapshot was not expected
            piece 1 max 0 -> 1 at 18446744073709551615: that piece of a snapshot was not expected
            end 0 -> 0 at 10: that piece of a snapshot was not expected
            end 2 -> 2 at 10: that piece of a snapshot was not expected
            end max -> 18446744073709551615 at 10: that piece of a snapshot was not expected
            end 1 -> 000001-1.part: it is not whole
            piece 1 10 1000 -> 1 at 10: that piece of a snapshot was not expected
            piece 1 10 rest+1 -> 1 at 10: that piece of a snapshot was not expected
            piece 1 10 rest -> ok
            piece 1 29 1 -> 1 at 29: that piece of a snapshot was not expected
            end 1 -> ok
            whole 2 -> ok
            whole 3 -> ok
            piece 4 0 1 -> 4 at 0: that piece of a snapshot was not expected
            piece 3 0 1 -> 3 at 0: that piece of a snapshot was not expected
            end 4 -> 4 at 0: that piece of a snapshot was not expected
            end 3 -> 3 at 0: that piece of a snapshot was not expected
            kept
        "#]],
    );
}

#[test]
fn what_is_not_sent_to_its_end_is_not_kept() {
    check(
        "",
        expect![[r#"
        not kept: 000001-0.part: it is not whole
    "#]],
    );
    check(
        "whole 0\n whole 1\n whole 2",
        expect![[r#"
        whole 0 -> ok
        whole 1 -> ok
        whole 2 -> ok
        not kept: in-use: it is not whole
    "#]],
    );
    check(
        "whole 0\n whole 1\n whole 2\n piece 3 0 1",
        expect![[r#"
        whole 0 -> ok
        whole 1 -> ok
        whole 2 -> ok
        piece 3 0 1 -> ok
        not kept: in-use: it is not whole
    "#]],
    );
    check(
        "whole 0\n piece 1 0 10\n end 1\n whole 2\n whole 3",
        expect![[r#"
        whole 0 -> ok
        piece 1 0 10 -> ok
        end 1 -> 000001-1.part: it is not whole
        whole 2 -> 2 at 0: that piece of a snapshot was not expected
        whole 3 -> 3 at 0: that piece of a snapshot was not expected
        not kept: 000001-1.part: it is not whole
    "#]],
    );
    check(
        "whole 0\n end 1\n whole 2",
        expect![[r#"
        whole 0 -> ok
        end 1 -> 000001-1.part: it is not whole
        whole 2 -> 2 at 0: that piece of a snapshot was not expected
        not kept: 000001-1.part: it is not whole
    "#]],
    );
}

#[test]
fn what_was_damaged_on_its_way_or_before_is_not_kept() {
    check(
        "rotten 0 7\n end 0\n whole 0\n whole 1",
        expect![[r#"
        rotten 0 7 -> ok
        end 0 -> 000001-0.part: the checksum is wrong
        whole 0 -> 0 at 0: that piece of a snapshot was not expected
        whole 1 -> 1 at 0: that piece of a snapshot was not expected
        not kept: 000001-0.part: it is not whole
    "#]],
    );
    check(
        "piece 0 0 rest\n end-as 0 1\n whole 1",
        expect![[r#"
            piece 0 0 rest -> ok
            end-as 0 1 -> 000001-0.part: the checksum is wrong
            whole 1 -> 1 at 0: that piece of a snapshot was not expected
            not kept: 000001-0.part: it is not whole
        "#]],
    );
}

#[test]
fn rot_in_any_byte_at_the_sender_is_noticed() {
    let (disk, sent) = peer::make(SENT, Store::Parts);
    let node = new_node();
    for file in &sent.manifest.files {
        let path = sent.rows().join(&file.name);
        for bit in 0..file.length as usize * 8 {
            disk.flip_bit(&path, bit).unwrap();
            let mut receiving = node.snapshots.receive(sent.manifest.clone()).unwrap();
            let error = peer::send(&sent, &mut receiving, usize::MAX).unwrap_err();
            assert_eq!(error.to_string(), format!("{}: the checksum is wrong", file.name), "bit {bit}");
            disk.flip_bit(&path, bit).unwrap();
        }
    }
    assert_nothing_is_kept(&node);
}

#[test]
fn a_manifest_may_name_plain_files_only() {
    let named = |name: &str| {
        let name = name.to_owned();
        move |manifest: &mut Manifest| manifest.files[1].name = name
    };
    check_manifest(|_| (), expect!["ok"]);
    check_manifest(
        named("../../state/current"),
        expect![[r#"the manifest of a snapshot names "../../state/current""#]],
    );
    check_manifest(named("/etc/passwd"), expect![[r#"the manifest of a snapshot names "/etc/passwd""#]]);
    check_manifest(named(".."), expect![[r#"the manifest of a snapshot names "..""#]]);
    check_manifest(named("."), expect![[r#"the manifest of a snapshot names ".""#]]);
    check_manifest(named(""), expect![[r#"the manifest of a snapshot names """#]]);
    let many = |manifest: &mut Manifest| manifest.files = vec![manifest.files[0].clone(); 100_001];
    check_manifest(many, expect![[r#"the manifest of a snapshot names "100001 files""#]]);
}

#[test]
fn a_snapshot_from_elsewhere_is_refused() {
    check_manifest(
        |manifest| manifest.cluster = ClusterId(8),
        expect![
            "the snapshot to be received is of cluster 00000000000000000000000000000008, group 0; this is cluster 00000000000000000000000000000007, group 0"
        ],
    );
    check_manifest(
        |manifest| manifest.mark.group = 1,
        expect![
            "the snapshot to be received is of cluster 00000000000000000000000000000007, group 1; this is cluster 00000000000000000000000000000007, group 0"
        ],
    );
}

/// What a node says to files under a manifest that was changed in between.
fn check_files(change: impl FnOnce(&mut Manifest), expected: Expect) {
    let node = new_node();
    let mut manifest = sent().manifest.clone();
    change(&mut manifest);
    let mut receiving = node.snapshots.receive(manifest).unwrap();
    let sent = peer::send(&sent(), &mut receiving, usize::MAX);
    let kept = sent.and_then(|()| block_on(node.snapshots.keep(receiving)));
    expected.assert_eq(&kept.map_or_else(|error| error.to_string(), |_| "kept".to_owned()));
    assert_nothing_is_kept(&node);
}

#[test]
fn a_manifest_that_belongs_to_other_files_is_noticed() {
    check_files(
        |manifest| manifest.mark.applied.index = 7,
        expect!["a snapshot's manifest says 1.1.7, its rows say 1.1.6"],
    );
    check_files(
        |manifest| manifest.mark.membership = vec![1].into(),
        expect!["a snapshot's manifest says 1.1.6, its rows say 1.1.6"],
    );
    check_files(
        |manifest| manifest.files[2].length -= 1,
        expect!["2 at 0: that piece of a snapshot was not expected"],
    );
    check_files(|manifest| manifest.files[2].length += 1, expect!["000001-2.part: it is not whole"]);
    check_files(|manifest| manifest.files[2].length = u64::MAX, expect!["000001-2.part: it is not whole"]);
    check_files(|manifest| manifest.files[2].checksum ^= 1, expect!["000001-2.part: the checksum is wrong"]);
    check_files(
        |manifest| manifest.files.swap(0, 1),
        expect!["0 at 0: that piece of a snapshot was not expected"],
    );
    check_files(
        |manifest| manifest.files[1].name = manifest.files[0].name.clone(),
        expect!["a snapshot: entity already exists"],
    );
    check_files(
        |manifest| drop(manifest.files.pop()),
        expect!["3 at 0: that piece of a snapshot was not expected"],
    );
}

#[test]
fn a_snapshot_that_is_received_again_is_the_one_that_is_there() {
    let node = new_node();
    let receive = || {
        let mut receiving = node.snapshots.receive(sent().manifest.clone()).unwrap();
        peer::send(&sent(), &mut receiving, usize::MAX).unwrap();
        block_on(node.snapshots.keep(receiving)).unwrap()
    };
    assert!(Arc::ptr_eq(&receive(), &receive()));
    assert_eq!(node.folders().len(), 2);
}
