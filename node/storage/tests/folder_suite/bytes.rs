//! The files of a folder as bytes. They outlive the code: what is written today is in `golden`, every later version must
//! read it, and another shape takes another format.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use expect_test::{Expect, ExpectFile, expect, expect_file};
use holdfast_storage::files::{Files, block_on, read_all, replace};
use holdfast_storage::identity::{ClusterId, Identity, Introduced, Introduction, Membership};
use holdfast_storage::log::LogId;
use holdfast_storage::mark::Mark;
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::snapshots::{Manifest, ManifestFile, decode_manifest, encode_manifest};

use crate::node::{Node, Store, state_dir};

const NEW_IDENTITY: &str = include_str!("../golden/identity_new_v1.txt");
const IDENTITY: &str = include_str!("../golden/identity_v1.txt");
const SECOND_IDENTITY: &str = include_str!("../golden/identity_v2.txt");
const POINTER: &str = include_str!("../golden/pointer_v1.txt");
const MANIFEST: &str = include_str!("../golden/manifest_v1.txt");

fn disk_with(path: &Path, bytes: &str) -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    disk.create_dir_all(path.parent().unwrap()).unwrap();
    block_on(replace(&disk, path, bytes.as_bytes())).unwrap();
    disk
}

/// It is written as in the golden file, and the golden file is read as it.
fn check_identity(identity: &Identity, golden: &str, file: ExpectFile) {
    let path = PathBuf::from("/identity");
    let disk = SimulatedDisk::new(1);
    block_on(identity.write(&disk, &path)).unwrap();
    file.assert_eq(&String::from_utf8(read_all(&disk, &path).unwrap()).unwrap());
    let read = block_on(Identity::read(&disk_with(&path, golden), &path)).unwrap().unwrap();
    assert!(read == *identity);
}

fn secret_key() -> [u8; 32] {
    std::array::from_fn(|position| 200 + position as u8)
}

#[test]
fn the_identity_of_a_node_that_asks_to_be_let_in() {
    let identity = Identity::new(secret_key());
    check_identity(&identity, NEW_IDENTITY, expect_file!["../golden/identity_new_v1.txt"]);
}

#[test]
fn the_identity_of_a_member() {
    let cluster = ClusterId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
    let membership = Some(Membership { cluster, node: 70_000 });
    let identity = Identity { membership, key_generation: 12, ..Identity::new(secret_key()) };
    check_identity(&identity, IDENTITY, expect_file!["../golden/identity_v1.txt"]);
}

#[test]
fn the_identity_of_a_member_that_was_told_of_others_and_changes_its_key() {
    let cluster = ClusterId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
    let peer = |node: u64, peer_address: &str| {
        let public_key = [u8::try_from(node).unwrap(); 32];
        Introduction { node, public_key, peer_address: peer_address.to_owned() }
    };
    let peers = vec![peer(1, "127.0.0.1:3001"), peer(17, "node17.example.com:3001")];
    let identity = Identity {
        membership: Some(Membership { cluster, node: 70_000 }),
        key_generation: 12,
        next_key: Some(std::array::from_fn(|position| 100 + position as u8)),
        introduced: Some(Introduced { index: 69_999, peers }),
        ..Identity::new(secret_key())
    };
    check_identity(&identity, SECOND_IDENTITY, expect_file!["../golden/identity_v2.txt"]);
    for identity in [
        Identity { next_key: None, ..identity.clone() },
        Identity { introduced: None, ..identity.clone() },
        Identity { membership: None, ..identity },
    ] {
        let (disk, path) = (SimulatedDisk::new(1), PathBuf::from("/identity"));
        block_on(identity.write(&disk, &path)).unwrap();
        assert!(block_on(Identity::read(&disk, &path)).unwrap() == Some(identity));
    }
}

#[test]
fn the_pointer_to_the_rows_in_use() {
    let path = state_dir().join("current");
    let node = Node::open(&SimulatedDisk::new(1), Store::Parts).unwrap();
    let written = String::from_utf8(read_all(&node.disk, &path).unwrap()).unwrap();
    expect_file!["../golden/pointer_v1.txt"].assert_eq(&written);

    let disk = disk_with(&path, POINTER);
    disk.create_dir_all(&state_dir().join("generation-000001")).unwrap();
    Node::open(&disk, Store::Parts).unwrap();
}

#[test]
fn the_manifest_of_a_snapshot() {
    let id = |index| LogId { term: 3, node: 2, index };
    let file = |name: &str, length, checksum| ManifestFile { name: name.to_owned(), length, checksum };
    let mark = Mark {
        group: 4,
        applied: id(70_000),
        membership_id: Some(id(17)),
        membership: Bytes::from_static(b"three nodes"),
    };
    let files =
        vec![file("000012.sst", 5_000_000_000, 0x89ab_cdef), file("CURRENT", 16, 7), file("empty", 0, 0)];
    let manifest = Manifest { cluster: ClusterId(0x0123_4567_89ab_cdef_0011_2233_4455_6677), mark, files };
    let bytes = encode_manifest(&manifest).unwrap();
    expect_file!["../golden/manifest_v1.txt"].assert_eq(&hex(&bytes));
    assert_eq!(decode_manifest(&bytes_of(MANIFEST)).as_ref(), Ok(&manifest));
}

/// Sixteen to a line.
fn hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(16).map(|bytes| line(bytes) + "\n").collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// A file whose seal is right, whatever its lines are.
fn sealed(lines: &str) -> String {
    format!("{lines}crc32c {:08x}\n", crc32c::crc32c(lines.as_bytes()))
}

#[test]
fn a_sealed_file_that_is_no_identity_is_refused() {
    let check = |lines: &str, expected: Expect| {
        let path = PathBuf::from("/identity");
        let lines = lines.replace("SECRET", &"0f".repeat(32));
        let read = block_on(Identity::read(&disk_with(&path, &sealed(&lines)), &path));
        let said = read.map_or_else(|error| error.to_string(), |identity| format!("{:?}", identity.unwrap()));
        let reason = said.split_once('(').map_or(said.as_str(), |(_, reason)| reason.trim_end_matches(')'));
        expected.assert_eq(reason);
    };
    let first = "holdfast identity, format 1\n";
    check(&format!("{first}key 1 SECRET\n"), expect!["Identity { membership: None, .. }"]);
    check("holdfast identity, format 2\nkey 1 SECRET\n", expect!["Identity { membership: None, .. }"]);
    check("holdfast identity, format 3\nkey 1 SECRET\n", expect!["its first line is another"]);
    check(first, expect!["it has no key"]);
    check(&format!("{first}lock 1 SECRET\n"), expect!["it has no key"]);
    check(&format!("{first}key SECRET\n"), expect!["it has no key"]);
    check(&format!("{first}key -1 SECRET\n"), expect!["its key has no generation"]);
    check(&format!("{first}key 4294967296 SECRET\n"), expect!["its key has no generation"]);
    check(&format!("{first}key 1 SECRET0f\n"), expect!["its key is damaged"]);
    check(&format!("{first}key 1 0f\n"), expect!["its key is damaged"]);
    check(&format!("{first}key 1 é{}\n", "0f".repeat(31)), expect!["its key is damaged"]);
    check(&format!("{first}key 1 xy{}\n", "0f".repeat(31)), expect!["its key is damaged"]);
    check(&format!("{first}key 1 SECRET\nnode 1\n"), expect!["its node is damaged"]);
    check(&format!("{first}key 1 SECRET\nnode 1 of x\n"), expect!["its node is damaged"]);
    check(&format!("{first}key 1 SECRET\nnode -1 of 7\n"), expect!["its node is damaged"]);
    check(
        &format!("{first}key 1 SECRET\nnode 1 of 7\nnode 2 of 7\n"),
        expect!["it has more lines than it should"],
    );
}

#[test]
fn a_sealed_file_that_is_no_pointer_is_refused() {
    let check = |lines: &str, expected: Expect| {
        let disk = disk_with(&state_dir().join("current"), &sealed(lines));
        let said = Node::open(&disk, Store::Parts).err().unwrap();
        let reason = said.split_once('(').map_or(said.as_str(), |(_, reason)| reason.trim_end_matches(')'));
        expected.assert_eq(reason);
    };
    check("holdfast rows, format 2\ngeneration 1\n", expect!["its first line is another"]);
    check("holdfast rows, format 1\n", expect!["it names none"]);
    check("holdfast rows, format 1\ngeneration \n", expect!["it names none"]);
    check("holdfast rows, format 1\ngeneration -1\n", expect!["it names none"]);
    check("holdfast rows, format 1\ngeneration 18446744073709551616\n", expect!["it names none"]);
    check(
        "holdfast rows, format 1\ngeneration 18446744073709551615\n",
        expect!["/srv/data/state/generation-18446744073709551615: the rows in use are gone"],
    );
}
