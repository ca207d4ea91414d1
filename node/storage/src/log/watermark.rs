//! The watermark: a small file that remembers how far the log was synced, so that a shorter log is noticed at start.
//!
//! Two slots of one file, at 0 and 4096:
//!
//! | at | size | field |
//! | --- | --- | --- |
//! | 0 | 8 | magic `HFLOGMRK` |
//! | 8 | 4 | format version |
//! | 12 | 4 | CRC32C of all the slot's other bytes |
//! | 16 | 8 | sequence: the higher slot counts |
//! | 24 | 4 | group |
//! | 28 | 8 | segment number |
//! | 36 | 8 | offset in the segment: everything before it was synced |
//! | 44 | 4 | the last record's CRC32C before it |
//! | 48 | 25 | optional log id: last |
//! | 73 | 18 | optional vote |
//!
//! Only one slot is written between two syncs of the file, so the other is whole whatever happens to that one.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::BufMut;
use crc32c::{crc32c, crc32c_append};

use super::entry::{LogId, Vote};
use super::fields::{Fields, put_optional_log_id, put_optional_vote};
use super::open::OpenError;
use super::segment::Position;
use crate::files::{File, Files, read_all, replace};

/// A watermark this old may be lost with the power; a sync each time would double the cost of a lone append.
const SYNC_INTERVAL_DURATION: Duration = Duration::from_secs(1);

const MAGIC: &[u8; 8] = b"HFLOGMRK";
const VERSION: u32 = 1;
const VERSION_AT: usize = 8;
const CRC_AT: usize = 12;
const SEQUENCE_AT: usize = 16;
const SLOT_BYTES: usize = 91;

/// Slots are on pages of their own, so that no write touches both.
const SLOT_SPACING: usize = 4096;

/// How far the log is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: Position,
    pub(super) chain: u32,
    pub(super) last: Option<LogId>,
    pub(super) vote: Option<Vote>,
}

/// A mark as found, with what the next one needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FoundMark {
    pub(super) sequence: u64,
    pub(super) group: u32,
    pub(super) mark: Mark,
}

pub(super) struct Watermark<F: Files> {
    file: F::File,
    group: u32,
    sequence: u64,
    /// The slot to write; the other one is durable.
    slot: usize,
    /// The segments of the newest mark and of the newest durable one.
    segment: u64,
    synced_segment: u64,
    synced_at: Duration,
    syncs: u64,
    buffer: Vec<u8>,
}

impl<F: Files> Watermark<F> {
    /// Puts a new file with this mark in the place of the old one, durably.
    pub(super) async fn create(
        files: &F,
        path: &Path,
        found: FoundMark,
        now: Duration,
    ) -> io::Result<Watermark<F>> {
        let mut bytes = Vec::with_capacity(2 * SLOT_SPACING);
        for end in [SLOT_SPACING, 2 * SLOT_SPACING] {
            found.encode(&mut bytes);
            bytes.resize(end, 0);
        }
        replace(files, path, &bytes).await?;
        let file = files.open(path)?;
        let segment = found.mark.position.segment;
        Ok(Self {
            file,
            group: found.group,
            sequence: found.sequence,
            slot: 1,
            segment,
            synced_segment: segment,
            synced_at: now,
            syncs: 0,
            buffer: Vec::with_capacity(SLOT_BYTES),
        })
    }

    /// Not durable by itself.
    pub(super) fn write(&mut self, mark: Mark) -> io::Result<()> {
        self.sequence += 1;
        self.segment = mark.position.segment;
        self.buffer.clear();
        FoundMark { sequence: self.sequence, group: self.group, mark }.encode(&mut self.buffer);
        self.file.write_at((self.slot * SLOT_SPACING) as u64, &self.buffer)
    }

    pub(super) fn is_sync_due(&self, now: Duration) -> bool {
        // Recovery relies on it: a segment may only go when the durable mark is in a later one.
        self.segment != self.synced_segment || now.saturating_sub(self.synced_at) >= SYNC_INTERVAL_DURATION
    }

    pub(super) async fn sync(&mut self, now: Duration) -> io::Result<()> {
        self.file.sync().await?;
        self.slot = 1 - self.slot;
        self.synced_segment = self.segment;
        self.synced_at = now;
        self.syncs += 1;
        Ok(())
    }

    pub(super) fn syncs(&self) -> u64 {
        self.syncs
    }
}

/// The newest whole mark in the file; `None` if there is no file.
pub(super) fn read_mark<F: Files>(
    files: &F,
    path: &Path,
    group: u32,
) -> Result<Option<FoundMark>, OpenError> {
    if !files.exists(path)? {
        return Ok(None);
    }
    let bytes = read_all(files, path)?;
    let mut newest: Option<FoundMark> = None;
    for slot in [0, SLOT_SPACING] {
        let slot = bytes.get(slot..slot + SLOT_BYTES).unwrap_or(&[]);
        if let Some(found) = read_slot(slot, path)?
            && newest.is_none_or(|newest| newest.sequence < found.sequence)
        {
            newest = Some(found);
        }
    }
    match newest {
        None => Err(OpenError::WatermarkLost { path: path.to_owned() }),
        Some(found) if found.group != group => {
            Err(OpenError::WrongGroup { expected: group, found: found.group })
        }
        Some(found) => Ok(Some(found)),
    }
}

fn read_slot(slot: &[u8], path: &Path) -> Result<Option<FoundMark>, OpenError> {
    if !slot.starts_with(MAGIC) {
        return Ok(None);
    }
    match Fields(&slot[VERSION_AT..]).u32() {
        Some(VERSION) => Ok(FoundMark::decode(slot)),
        // Torn between the magic and the version.
        None | Some(0) => Ok(None),
        Some(version) => {
            Err(OpenError::Format { path: path.to_owned(), problem: format!("version {version}") })
        }
    }
}

impl FoundMark {
    fn encode(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        buffer.put_slice(MAGIC);
        buffer.put_u32_le(VERSION);
        buffer.put_u32_le(0);
        buffer.put_u64_le(self.sequence);
        buffer.put_u32_le(self.group);
        buffer.put_u64_le(self.mark.position.segment);
        buffer.put_u64_le(self.mark.position.offset);
        buffer.put_u32_le(self.mark.chain);
        put_optional_log_id(buffer, self.mark.last);
        put_optional_vote(buffer, self.mark.vote);
        let crc = crc(&buffer[start..]);
        buffer[start + CRC_AT..start + SEQUENCE_AT].copy_from_slice(&crc.to_le_bytes());
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        let stored_crc = Fields(&slot[CRC_AT..]).u32()?;
        let mut fields = Fields(&slot[SEQUENCE_AT..]);
        let (sequence, group) = (fields.u64()?, fields.u32()?);
        let position = Position { segment: fields.u64()?, offset: fields.u64()? };
        let chain = fields.u32()?;
        let (last, vote) = (fields.optional_log_id()?, fields.optional_vote()?);
        let mark = Mark { position, chain, last, vote };
        (stored_crc == crc(slot)).then_some(Self { sequence, group, mark })
    }
}

fn crc(slot: &[u8]) -> u32 {
    crc32c_append(crc32c(&slot[..CRC_AT]), &slot[SEQUENCE_AT..])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::golden::hex;
    use super::*;

    #[test]
    fn a_watermark_slot() {
        let mark = Mark {
            position: Position { segment: 9, offset: 4711 },
            chain: 0xAABB_CCDD,
            last: Some(LogId { term: 3, node: 2, index: 17 }),
            vote: Some(Vote { term: 4, node: 1, committed: true }),
        };
        let found = FoundMark { sequence: 1000, group: 1, mark };
        let mut bytes = Vec::new();
        found.encode(&mut bytes);
        expect![[r#"
            48 46 4c 4f 47 4d 52 4b 01 00 00 00 6e 2c 1d f1
            e8 03 00 00 00 00 00 00 01 00 00 00 09 00 00 00
            00 00 00 00 67 12 00 00 00 00 00 00 dd cc bb aa
            01 03 00 00 00 00 00 00 00 02 00 00 00 00 00 00
            00 11 00 00 00 00 00 00 00 01 04 00 00 00 00 00
            00 00 01 00 00 00 00 00 00 00 01
        "#]]
        .assert_eq(&hex(&bytes));
        assert_eq!(bytes.len(), SLOT_BYTES);
        assert_eq!(FoundMark::decode(&bytes), Some(found));
    }
}
