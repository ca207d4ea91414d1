//! One record of the log as bytes; numbers are little-endian, shared fields are in `fields.rs`.
//!
//! | at | size | field |
//! | --- | --- | --- |
//! | 0 | 4 | length of the whole record; 0 means no record |
//! | 4 | 1 | kind |
//! | 5 | 4 | CRC32C of all the record's other bytes, begun with its segment's number |
//! | 9 | 4 | the predecessor's CRC32C: the chain |
//! | 13 | 4 | group |
//! | 17 | | body |
//!
//! | kind | body |
//! | --- | --- |
//! | 1 vote | vote |
//! | 2 entry | log id, payload kind 1 (0 blank, 1 commands, 2 membership), payload |
//! | 3 truncate | optional log id: what is last from now on |
//! | 4 purge | log id: the newest entry that is gone |
//! | 5 committed | optional log id |
//!
//! A segment file is used again under another number, so a record of its earlier life never has the right CRC:
//! CRCs of equal bytes differ whenever their beginnings do.

use bytes::{BufMut, Bytes};
use crc32c::{crc32c, crc32c_append};

use super::entry::{Entry, LogId, Payload, Vote};
use super::fields::{Fields, LOG_ID_BYTES, VOTE_BYTES};
use super::fields::{put_log_id, put_optional_log_id, put_vote};
use super::state::Change;

const KIND_AT: usize = 4;
const CRC_AT: usize = 5;
const PREDECESSOR_AT: usize = 9;
const GROUP_AT: usize = 13;
const BODY_AT: usize = 17;
const PAYLOAD_KIND_AT: usize = BODY_AT + LOG_ID_BYTES;
const PAYLOAD_AT: usize = PAYLOAD_KIND_AT + 1;

/// The numbers are the format.
#[derive(Clone, Copy)]
#[repr(u8)]
enum RecordKind {
    Vote = 1,
    Entry = 2,
    Truncate = 3,
    Purge = 4,
    Committed = 5,
}

/// The numbers are the format.
#[derive(Clone, Copy)]
#[repr(u8)]
enum PayloadKind {
    Blank = 0,
    Commands = 1,
    Membership = 2,
}

/// What is written.
pub(super) enum Record<'a> {
    Vote(Vote),
    Entry(&'a Entry),
    Truncate(Option<LogId>),
    Purge(LogId),
    Committed(Option<LogId>),
}

/// Where a record belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) segment: u64,
    pub(super) predecessor: u32,
    pub(super) group: u32,
}

impl Record<'_> {
    pub(super) fn length(&self) -> usize {
        BODY_AT
            + match self {
                Record::Vote(_) => VOTE_BYTES,
                Record::Entry(entry) => return entry_record_bytes(entry),
                Record::Truncate(_) | Record::Committed(_) => 1 + LOG_ID_BYTES,
                Record::Purge(_) => LOG_ID_BYTES,
            }
    }

    pub(super) fn change(&self) -> Change {
        match *self {
            Record::Vote(vote) => Change::Vote(vote),
            Record::Entry(entry) => Change::Entry(entry.id),
            Record::Truncate(last) => Change::Truncate(last),
            Record::Purge(id) => Change::Purge(id),
            Record::Committed(id) => Change::Committed(id),
        }
    }

    /// Appends the record to `buffer` and returns its CRC, the next one's predecessor.
    pub(super) fn encode(&self, buffer: &mut Vec<u8>, link: Link) -> u32 {
        let start = buffer.len();
        buffer.put_u32_le(self.length() as u32);
        buffer.put_u8(self.kind() as u8);
        buffer.put_u32_le(0);
        buffer.put_u32_le(link.predecessor);
        buffer.put_u32_le(link.group);
        self.encode_body(buffer);
        let crc = crc(&buffer[start..], link.segment);
        buffer[start + CRC_AT..start + PREDECESSOR_AT].copy_from_slice(&crc.to_le_bytes());
        crc
    }

    fn encode_body(&self, buffer: &mut Vec<u8>) {
        match *self {
            Record::Vote(vote) => put_vote(buffer, vote),
            Record::Entry(entry) => {
                put_log_id(buffer, entry.id);
                buffer.put_u8(payload_kind(&entry.payload) as u8);
                buffer.put_slice(entry.payload.bytes());
            }
            Record::Truncate(id) | Record::Committed(id) => put_optional_log_id(buffer, id),
            Record::Purge(id) => put_log_id(buffer, id),
        }
    }

    fn kind(&self) -> RecordKind {
        match self {
            Record::Vote(_) => RecordKind::Vote,
            Record::Entry(_) => RecordKind::Entry,
            Record::Truncate(_) => RecordKind::Truncate,
            Record::Purge(_) => RecordKind::Purge,
            Record::Committed(_) => RecordKind::Committed,
        }
    }
}

/// How long an entry's record is.
pub(super) fn entry_record_bytes(entry: &Entry) -> usize {
    PAYLOAD_AT + entry.payload.bytes().len()
}

/// A stored record whose CRC is right.
pub(super) struct StoredRecord<'a> {
    pub(super) crc: u32,
    pub(super) predecessor: u32,
    pub(super) group: u32,
    bytes: &'a [u8],
}

impl<'a> StoredRecord<'a> {
    /// The record at the beginning of `bytes`; `None` if there is no whole and undamaged one of this segment.
    pub(super) fn read(bytes: &'a [u8], segment: u64) -> Option<Self> {
        let length = Fields(bytes).u32()? as usize;
        let bytes = bytes.get(..length).filter(|bytes| bytes.len() >= BODY_AT)?;
        let stored_crc = Fields(&bytes[CRC_AT..]).u32()?;
        let predecessor = Fields(&bytes[PREDECESSOR_AT..]).u32()?;
        let group = Fields(&bytes[GROUP_AT..]).u32()?;
        (stored_crc == crc(bytes, segment)).then_some(Self { crc: stored_crc, predecessor, group, bytes })
    }

    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// What it says; `None` if this version cannot understand it.
    pub(super) fn change(&self) -> Option<Change> {
        let mut fields = Fields(&self.bytes[BODY_AT..]);
        let change = match record_kind(self.bytes[KIND_AT])? {
            RecordKind::Vote => Change::Vote(fields.vote()?),
            RecordKind::Entry => {
                let id = fields.log_id()?;
                check_payload(self.bytes)?;
                return Some(Change::Entry(id));
            }
            RecordKind::Truncate => Change::Truncate(fields.optional_log_id()?),
            RecordKind::Purge => Change::Purge(fields.log_id()?),
            RecordKind::Committed => Change::Committed(fields.optional_log_id()?),
        };
        fields.end()?;
        Some(change)
    }
}

/// The entry in a record that was read back; its payload shares the record's bytes.
pub(super) fn read_entry(record: &Bytes, segment: u64) -> Option<Entry> {
    let stored = StoredRecord::read(record, segment)?;
    let Change::Entry(id) = stored.change()? else {
        return None;
    };
    let payload = record.slice(PAYLOAD_AT..);
    let payload = match check_payload(record)? {
        PayloadKind::Blank => Payload::Blank,
        PayloadKind::Commands => Payload::Commands(payload),
        PayloadKind::Membership => Payload::Membership(payload),
    };
    Some(Entry { id, payload })
}

fn check_payload(record: &[u8]) -> Option<PayloadKind> {
    match record.get(PAYLOAD_KIND_AT)? {
        0 if record.len() == PAYLOAD_AT => Some(PayloadKind::Blank),
        1 => Some(PayloadKind::Commands),
        2 => Some(PayloadKind::Membership),
        _ => None,
    }
}

fn payload_kind(payload: &Payload) -> PayloadKind {
    match payload {
        Payload::Blank => PayloadKind::Blank,
        Payload::Commands(_) => PayloadKind::Commands,
        Payload::Membership(_) => PayloadKind::Membership,
    }
}

fn record_kind(number: u8) -> Option<RecordKind> {
    match number {
        1 => Some(RecordKind::Vote),
        2 => Some(RecordKind::Entry),
        3 => Some(RecordKind::Truncate),
        4 => Some(RecordKind::Purge),
        5 => Some(RecordKind::Committed),
        _ => None,
    }
}

fn crc(record: &[u8], segment: u64) -> u32 {
    let begun = crc32c(&segment.to_le_bytes());
    let before = crc32c_append(begun, &record[..CRC_AT]);
    crc32c_append(before, &record[PREDECESSOR_AT..])
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::golden::hex;
    use super::*;

    const LINK: Link = Link { segment: 5, predecessor: 0xAABB_CCDD, group: 1 };
    const ID: LogId = LogId { term: 3, node: 2, index: 17 };

    /// These bytes are on disks: a change of them needs a new format version.
    fn check(record: Record<'_>, golden: Expect) {
        let mut bytes = Vec::new();
        let crc = record.encode(&mut bytes, LINK);
        golden.assert_eq(&hex(&bytes));
        assert_eq!(bytes.len(), record.length());
        let stored = StoredRecord::read(&bytes, LINK.segment).unwrap();
        assert_eq!((stored.crc, stored.predecessor, stored.group), (crc, LINK.predecessor, LINK.group));
        assert_eq!(stored.change(), Some(record.change()));
    }

    fn check_entry(payload: Payload, golden: Expect) {
        let entry = Entry { id: ID, payload };
        check(Record::Entry(&entry), golden);
        let mut bytes = Vec::new();
        Record::Entry(&entry).encode(&mut bytes, LINK);
        assert_eq!(read_entry(&Bytes::from(bytes), LINK.segment), Some(entry));
    }

    #[test]
    fn a_vote_record() {
        check(
            Record::Vote(Vote { term: 3, node: 2, committed: true }),
            expect![[r#"
            22 00 00 00 01 e4 ac 3d bc dd cc bb aa 01 00 00
            00 03 00 00 00 00 00 00 00 02 00 00 00 00 00 00
            00 01
        "#]],
        );
    }

    #[test]
    fn an_entry_record_of_each_payload_kind() {
        check_entry(
            Payload::Blank,
            expect![[r#"
            2a 00 00 00 02 96 88 4e eb dd cc bb aa 01 00 00
            00 03 00 00 00 00 00 00 00 02 00 00 00 00 00 00
            00 11 00 00 00 00 00 00 00 00
        "#]],
        );
        check_entry(
            Payload::Commands(Bytes::from_static(b"hold")),
            expect![[r#"
            2e 00 00 00 02 95 5b 87 19 dd cc bb aa 01 00 00
            00 03 00 00 00 00 00 00 00 02 00 00 00 00 00 00
            00 11 00 00 00 00 00 00 00 01 68 6f 6c 64
        "#]],
        );
        check_entry(
            Payload::Membership(Bytes::from_static(b"voters")),
            expect![[r#"
            30 00 00 00 02 d8 45 ec c0 dd cc bb aa 01 00 00
            00 03 00 00 00 00 00 00 00 02 00 00 00 00 00 00
            00 11 00 00 00 00 00 00 00 02 76 6f 74 65 72 73
        "#]],
        );
    }

    #[test]
    fn a_truncate_record() {
        check(
            Record::Truncate(Some(ID)),
            expect![[r#"
            2a 00 00 00 03 a9 41 ad 10 dd cc bb aa 01 00 00
            00 01 03 00 00 00 00 00 00 00 02 00 00 00 00 00
            00 00 11 00 00 00 00 00 00 00
        "#]],
        );
        check(
            Record::Truncate(None),
            expect![[r#"
            2a 00 00 00 03 c9 a2 1b d9 dd cc bb aa 01 00 00
            00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
            00 00 00 00 00 00 00 00 00 00
        "#]],
        );
    }

    #[test]
    fn a_purge_record() {
        check(
            Record::Purge(ID),
            expect![[r#"
            29 00 00 00 04 2f 4a c7 da dd cc bb aa 01 00 00
            00 03 00 00 00 00 00 00 00 02 00 00 00 00 00 00
            00 11 00 00 00 00 00 00 00
        "#]],
        );
    }

    #[test]
    fn a_committed_record() {
        check(
            Record::Committed(Some(ID)),
            expect![[r#"
            2a 00 00 00 05 be 0f 7a 13 dd cc bb aa 01 00 00
            00 01 03 00 00 00 00 00 00 00 02 00 00 00 00 00
            00 00 11 00 00 00 00 00 00 00
        "#]],
        );
    }

    #[test]
    fn a_record_counts_only_in_its_own_segment_and_whole() {
        let mut bytes = Vec::new();
        Record::Purge(ID).encode(&mut bytes, LINK);
        for segment in (0..1000).chain([u64::from(u32::MAX), u64::from(u32::MAX) + 5]) {
            assert_eq!(StoredRecord::read(&bytes, segment).is_some(), segment == LINK.segment, "{segment}");
        }
        for length in 0..bytes.len() {
            assert!(StoredRecord::read(&bytes[..length], LINK.segment).is_none(), "{length} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(StoredRecord::read(&damaged, LINK.segment).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn an_undamaged_record_that_makes_no_sense_is_told_from_a_damaged_one() {
        let mut bytes = Vec::new();
        Record::Purge(ID).encode(&mut bytes, LINK);
        bytes[KIND_AT] = 99;
        let right = crc(&bytes, LINK.segment).to_le_bytes();
        bytes[CRC_AT..PREDECESSOR_AT].copy_from_slice(&right);
        assert_eq!(StoredRecord::read(&bytes, LINK.segment).unwrap().change(), None);
    }
}
