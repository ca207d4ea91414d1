//! Damaged, missing and foreign files of a folder: refused by name, and left as they are for whoever looks into it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use holdfast_storage::files::{File, Files, block_on, read_all};
use holdfast_storage::identity::ClusterId;
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::snapshots::{Origin, Snapshots};

use crate::ledger::Ledger;
use crate::node::{Node, ORIGIN, Store, identity_path, snapshots_dir, state_dir};
use crate::script::run;

/// The folder of a node that stopped in good order.
pub fn folder_after(script: &str) -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    run(&disk, Store::Parts, &mut Ledger::default(), script).unwrap();
    disk
}

/// A node of a cluster, with five entries applied and a snapshot of the first three.
fn whole_folder() -> SimulatedDisk {
    folder_after("identify\n identify\n apply 3\n snapshot\n apply 2\n flush")
}

fn pointer() -> PathBuf {
    state_dir().join("current")
}

fn snapshot_dir() -> PathBuf {
    snapshots_dir().join("00000000000000000003-1-1")
}

fn manifest() -> PathBuf {
    snapshot_dir().join("manifest")
}

/// Every file that says what others are.
fn labels() -> [PathBuf; 3] {
    [identity_path(), pointer(), manifest()]
}

fn open(disk: &SimulatedDisk) -> Result<Node, String> {
    Node::open(disk, Store::Parts)
}

/// What a node found, or why it refuses.
fn describe(opened: Result<Node, String>) -> String {
    let node = match opened {
        Ok(node) => node,
        Err(error) => return error,
    };
    let identity = node.identity.as_ref().map_or("none".to_owned(), |identity| format!("{identity:?}"));
    let snapshot = node.snapshots.latest().map(|latest| latest.manifest.mark.applied.index);
    format!("{identity}\nrows of {}, snapshot of {snapshot:?}\n{:?}\n", node.applied(), node.folders())
}

/// What opening says after something happened to the folder.
fn check(spoil: impl FnOnce(&SimulatedDisk), expected: Expect) {
    let disk = whole_folder();
    spoil(&disk);
    expected.assert_eq(&describe(open(&disk)));
}

/// Every file below a folder.
fn contents(disk: &SimulatedDisk, path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    match disk.list(path) {
        Ok(names) => names.iter().flat_map(|name| contents(disk, &path.join(name))).collect(),
        Err(_) => [(path.to_owned(), read_all(disk, path).unwrap())].into(),
    }
}

/// The folder is refused because of this file, and nothing in it changes.
fn assert_refused(disk: &SimulatedDisk, path: &Path, context: &str) {
    let before = contents(disk, Path::new("/"));
    let Err(error) = open(disk) else { panic!("{}: {context}: accepted", path.display()) };
    assert!(error.starts_with(&format!("{}: ", path.display())), "{context}: {error}");
    assert!(contents(disk, Path::new("/")) == before, "{}: {context}: changed something", path.display());
}

fn overwrite(disk: &SimulatedDisk, path: &Path, bytes: &[u8]) {
    let file = disk.open(path).unwrap();
    file.set_length(0).unwrap();
    file.write_at(0, bytes).unwrap();
}

#[test]
fn an_undamaged_folder_shows_what_was_put_there() {
    check(
        |_| (),
        expect![[r#"
            Identity { membership: Some(Membership { cluster: ClusterId(7), node: 0 }), .. }
            rows of 5, snapshot of Some(3)
            ["generation-000001", "00000000000000000003-1-1"]
        "#]],
    );
}

#[test]
fn no_other_value_of_any_byte_of_a_label_is_accepted() {
    let disk = whole_folder();
    for path in labels() {
        let whole = read_all(&disk, &path).unwrap();
        for position in 0..whole.len() {
            for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut damaged = whole.clone();
                damaged[position] ^= mask;
                overwrite(&disk, &path, &damaged);
                assert_refused(&disk, &path, &format!("byte {position}, mask {mask:#x}"));
            }
        }
        overwrite(&disk, &path, &whole);
        assert!(open(&disk).is_ok(), "{}: the damage was undone", path.display());
    }
}

#[test]
fn no_other_length_of_a_label_is_accepted() {
    let disk = whole_folder();
    for path in labels() {
        let whole = read_all(&disk, &path).unwrap();
        for length in 0..whole.len() {
            overwrite(&disk, &path, &whole[..length]);
            assert_refused(&disk, &path, &format!("cut at {length}"));
            // A crash of some file systems leaves zeros where bytes were to come.
            overwrite(&disk, &path, &[&whole[..length], &vec![0; whole.len() - length]].concat());
            if read_all(&disk, &path).unwrap() != whole {
                assert_refused(&disk, &path, &format!("zeros from {length}"));
            }
        }
        for more in [b"\0".as_slice(), b"\n", b"\r\n", b"0", &whole] {
            overwrite(&disk, &path, &[&whole, more].concat());
            assert_refused(&disk, &path, &format!("with {more:?} at its end"));
        }
        overwrite(&disk, &path, &whole);
    }
}

#[test]
fn labels_of_another_kind_are_told_from_each_other() {
    let disk = whole_folder();
    for path in labels() {
        let whole = read_all(&disk, &path).unwrap();
        for other in labels().iter().filter(|other| **other != path) {
            overwrite(&disk, &path, &read_all(&disk, other).unwrap());
            assert_refused(&disk, &path, &format!("is {}", other.display()));
        }
        overwrite(&disk, &path, &whole);
    }
}

#[test]
fn what_is_said_of_a_damaged_label() {
    let flip =
        |path: PathBuf, byte: usize| move |disk: &SimulatedDisk| disk.flip_bit(&path, byte * 8).unwrap();
    let cut = |path: PathBuf| move |disk: &SimulatedDisk| disk.open(&path).unwrap().set_length(0).unwrap();
    check(
        flip(identity_path(), 0),
        expect![
            "/srv/data/identity: not an identity of this version of Holdfast (its first line is another)"
        ],
    );
    check(
        flip(identity_path(), 40),
        expect!["/srv/data/identity: not an identity of this version of Holdfast (its checksum is wrong)"],
    );
    check(
        cut(identity_path()),
        expect![
            "/srv/data/identity: not an identity of this version of Holdfast (its first line is another)"
        ],
    );
    check(
        flip(pointer(), 0),
        expect![
            "/srv/data/state/current: points to no generation of this version of Holdfast (its first line is another)"
        ],
    );
    check(
        flip(pointer(), 40),
        expect![
            "/srv/data/state/current: points to no generation of this version of Holdfast (its last line is missing)"
        ],
    );
    check(
        cut(pointer()),
        expect![
            "/srv/data/state/current: points to no generation of this version of Holdfast (its first line is another)"
        ],
    );
    check(
        flip(manifest(), 0),
        expect![
            "/srv/data/snapshots/00000000000000000003-1-1/manifest: format 0, version 1: written by a newer Holdfast?"
        ],
    );
    check(
        flip(manifest(), 1),
        expect![
            "/srv/data/snapshots/00000000000000000003-1-1/manifest: the checksum is 52029130, the envelope says 76cdd16c"
        ],
    );
    check(
        flip(manifest(), 40),
        expect![
            "/srv/data/snapshots/00000000000000000003-1-1/manifest: the checksum is 169cf553, the envelope says 76cdd16c"
        ],
    );
    check(
        cut(manifest()),
        expect!["/srv/data/snapshots/00000000000000000003-1-1/manifest: 0 bytes where the envelope says 2"],
    );
}

#[test]
fn rows_that_are_gone_are_missed() {
    check(
        |disk| disk.remove_dir_all(&state_dir().join("generation-000001")).unwrap(),
        expect!["/srv/data/state/generation-000001: the rows in use are gone"],
    );
}

#[test]
fn without_its_pointer_a_folder_with_later_rows_is_refused() {
    let disk = folder_after("apply 3\n snapshot\n install\n retire\n reopen");
    disk.remove_file(&pointer()).unwrap();
    let before = contents(&disk, Path::new("/"));
    expect!["/srv/data/state/current is gone: nothing says which generation of rows is in use"]
        .assert_eq(&describe(open(&disk)));
    assert_eq!(contents(&disk, Path::new("/")), before);
}

/// Nothing was ever installed then: there are no other rows that it might have meant.
#[test]
fn without_its_pointer_a_folder_with_the_first_rows_goes_on_with_them() {
    check(
        |disk| disk.remove_file(&pointer()).unwrap(),
        expect![[r#"
        Identity { membership: Some(Membership { cluster: ClusterId(7), node: 0 }), .. }
        rows of 5, snapshot of Some(3)
        ["generation-000001", "00000000000000000003-1-1"]
    "#]],
    );
}

/// What a removal that was interrupted leaves. The rows in use have come at least as far.
#[test]
fn a_snapshot_without_a_manifest_is_removed() {
    check(
        |disk| disk.remove_file(&manifest()).unwrap(),
        expect![[r#"
        Identity { membership: Some(Membership { cluster: ClusterId(7), node: 0 }), .. }
        rows of 5, snapshot of None
        ["generation-000001"]
    "#]],
    );
}

#[test]
fn a_snapshot_with_a_file_less_is_refused() {
    check(
        |disk| disk.remove_file(&snapshot_dir().join("rows").join("in-use")).unwrap(),
        expect![
            "a file of a snapshot: /srv/data/snapshots/00000000000000000003-1-1/rows/in-use: not on the simulated disk"
        ],
    );
}

#[test]
fn a_snapshot_with_a_file_of_another_length_is_refused() {
    let disk = whole_folder();
    let path = snapshot_dir().join("rows").join("000001-2.part");
    let whole = disk.open(&path).unwrap().length().unwrap();
    for length in (0..whole + 9).filter(|length| *length != whole) {
        disk.open(&path).unwrap().set_length(length).unwrap();
        assert_refused(&disk, &path, &format!("{length} bytes"));
    }
    check(
        |disk| disk.open(&snapshot_dir().join("rows").join("in-use")).unwrap().set_length(9).unwrap(),
        expect![
            "/srv/data/snapshots/00000000000000000003-1-1/rows/in-use: the snapshot's manifest says 1 bytes, there are 9"
        ],
    );
}

#[test]
fn a_snapshot_of_another_cluster_or_group_is_refused() {
    let check = |own: Origin, expected: Expect| {
        let disk = whole_folder();
        let before = contents(&disk, Path::new("/"));
        let opening = Snapshots::open(disk.clone(), snapshots_dir(), Store::Parts.on(&disk), own);
        expected.assert_eq(&block_on(opening).err().unwrap().to_string());
        assert_eq!(contents(&disk, Path::new("/")), before);
    };
    check(
        Origin { cluster: ClusterId(8), ..ORIGIN },
        expect![
            "/srv/data/snapshots/00000000000000000003-1-1/manifest is of cluster 00000000000000000000000000000007, group 0; this is cluster 00000000000000000000000000000008, group 0"
        ],
    );
    check(
        Origin { group: 1, ..ORIGIN },
        expect![
            "/srv/data/snapshots/00000000000000000003-1-1/manifest is of cluster 00000000000000000000000000000007, group 0; this is cluster 00000000000000000000000000000007, group 1"
        ],
    );
}

#[test]
fn what_was_begun_and_never_finished_is_removed() {
    for begun in ["receive-half 4", "receive-half 4\n receive-half 5"] {
        let disk = folder_after(&format!("identify\n apply 3\n snapshot\n {begun}"));
        assert!(disk.exists(&snapshots_dir().join("receiving")).unwrap());
        expect![[r#"
            Identity { membership: None, .. }
            rows of 3, snapshot of Some(3)
            ["generation-000001", "00000000000000000003-1-1"]
        "#]]
        .assert_eq(&describe(open(&disk)));
    }
    for name in ["building", "receiving"] {
        let disk = whole_folder();
        // As whole as can be, but for its name.
        disk.rename(&snapshot_dir(), &snapshots_dir().join(name)).unwrap();
        let node = open(&disk).unwrap();
        assert!(node.snapshots.latest().is_none());
        assert_eq!(node.folders(), ["generation-000001"]);
    }
}

#[test]
fn a_generation_that_is_not_in_use_is_removed() {
    check(
        |disk| disk.create_dir_all(&state_dir().join("generation-000002")).unwrap(),
        expect![[r#"
        Identity { membership: Some(Membership { cluster: ClusterId(7), node: 0 }), .. }
        rows of 5, snapshot of Some(3)
        ["generation-000001", "00000000000000000003-1-1"]
    "#]],
    );
}

#[test]
fn rot_in_any_byte_of_a_snapshots_rows_is_noticed_by_its_install() {
    let disk = whole_folder();
    let node = open(&disk).unwrap();
    let snapshot = node.snapshots.latest().unwrap();
    for file in &snapshot.manifest.files {
        let path = snapshot.rows().join(&file.name);
        for bit in 0..file.length as usize * 8 {
            disk.flip_bit(&path, bit).unwrap();
            let before = contents(&disk, Path::new("/"));
            let installed = block_on(node.generations.install(&snapshot.rows(), &snapshot.manifest.files));
            let Err(error) = installed else { panic!("bit {bit} of {}: accepted", path.display()) };
            let error = error.to_string();
            assert!(error.starts_with(&format!("{}: the checksum is ", path.display())), "{error}");
            assert!(contents(&disk, Path::new("/")) == before, "bit {bit} of {}", path.display());
            disk.flip_bit(&path, bit).unwrap();
        }
    }
    assert_eq!(node.applied(), 5);
    block_on(node.generations.install(&snapshot.rows(), &snapshot.manifest.files)).unwrap();
    assert_eq!(node.applied(), 3);
}

#[test]
fn an_install_says_which_file_is_too_short() {
    let disk = whole_folder();
    let node = open(&disk).unwrap();
    let snapshot = node.snapshots.latest().unwrap();
    disk.open(&snapshot.rows().join("in-use")).unwrap().set_length(0).unwrap();
    let installed = block_on(node.generations.install(&snapshot.rows(), &snapshot.manifest.files));
    expect!["/srv/data/snapshots/00000000000000000003-1-1/rows/in-use: the snapshot's manifest says 1 bytes, there are 0"]
        .assert_eq(&installed.err().unwrap().to_string());
}
