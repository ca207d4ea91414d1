//! The first bytes of a segment file: which part of the stream it holds, and all that the older ones said.
//!
//! | at | size | field |
//! | --- | --- | --- |
//! | 0 | 8 | magic `HFLOGSEG` |
//! | 8 | 4 | format version |
//! | 12 | 4 | CRC32C of all the header's other bytes |
//! | 16 | 8 | segment number |
//! | 24 | 4 | the last record's CRC32C before this segment: the chain |
//! | 28 | 18 | optional vote |
//! | 46 | 25 | optional log id: purged |
//! | 71 | 25 | optional log id: committed |
//! | 96 | 25 | optional log id: last |
//! | 121 | 7 | zeros |
//!
//! The state makes older segments disposable: once no live entry is in them, nothing is.

use bytes::{Buf, BufMut};
use crc32c::{crc32c, crc32c_append};

use super::fields::{Fields, put_optional_log_id, put_optional_vote};
use super::state::LogState;

pub(super) const HEADER_BYTES: usize = 128;

const MAGIC: &[u8; 8] = b"HFLOGSEG";
const VERSION: u32 = 1;
const VERSION_AT: usize = 8;
const CRC_AT: usize = 12;
const NUMBER_AT: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) chain: u32,
    /// Where the log stood when the segment began.
    pub(super) state: LogState,
}

/// What the first bytes of a file say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadHeader {
    Whole(Header),
    /// Never written, or torn: nothing in this file was ever acknowledged.
    Missing,
    UnknownVersion(u32),
}

impl Header {
    pub(super) fn encode(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        buffer.put_slice(MAGIC);
        buffer.put_u32_le(VERSION);
        buffer.put_u32_le(0);
        buffer.put_u64_le(self.number);
        buffer.put_u32_le(self.chain);
        put_optional_vote(buffer, self.state.vote);
        put_optional_log_id(buffer, self.state.purged);
        put_optional_log_id(buffer, self.state.committed);
        put_optional_log_id(buffer, self.state.last);
        buffer.resize(start + HEADER_BYTES, 0);
        let crc = crc(&buffer[start..]);
        buffer[start + CRC_AT..start + NUMBER_AT].copy_from_slice(&crc.to_le_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored_crc = Fields(&bytes[CRC_AT..]).u32()?;
        let mut fields = Fields(&bytes[NUMBER_AT..]);
        let number = fields.u64()?;
        let chain = fields.u32()?;
        let vote = fields.optional_vote()?;
        let purged = fields.optional_log_id()?;
        let committed = fields.optional_log_id()?;
        let last = fields.optional_log_id()?;
        let state = LogState { purged, last, vote, committed };
        (stored_crc == crc(bytes)).then_some(Self { number, chain, state })
    }
}

impl ReadHeader {
    pub(super) fn read(bytes: &[u8; HEADER_BYTES]) -> Self {
        let version = (&bytes[VERSION_AT..]).get_u32_le();
        match version {
            _ if !bytes.starts_with(MAGIC) => ReadHeader::Missing,
            VERSION => Header::decode(bytes).map_or(ReadHeader::Missing, ReadHeader::Whole),
            // Torn between the magic and the version.
            0 => ReadHeader::Missing,
            unknown => ReadHeader::UnknownVersion(unknown),
        }
    }
}

fn crc(header: &[u8]) -> u32 {
    crc32c_append(crc32c(&header[..CRC_AT]), &header[NUMBER_AT..])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::entry::{LogId, Vote};
    use super::super::golden::hex;
    use super::*;

    fn header() -> Header {
        let id = |index| Some(LogId { term: 3, node: 2, index });
        let vote = Some(Vote { term: 4, node: 1, committed: true });
        let state = LogState { purged: id(5), last: id(17), vote, committed: id(16) };
        Header { number: 9, chain: 0xAABB_CCDD, state }
    }

    fn encoded() -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::new();
        header().encode(&mut bytes);
        bytes.try_into().unwrap()
    }

    #[test]
    fn a_segment_header() {
        expect![[r#"
            48 46 4c 4f 47 53 45 47 01 00 00 00 a7 3c d1 1c
            09 00 00 00 00 00 00 00 dd cc bb aa 01 04 00 00
            00 00 00 00 00 01 00 00 00 00 00 00 00 01 01 03
            00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 05
            00 00 00 00 00 00 00 01 03 00 00 00 00 00 00 00
            02 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00
            01 03 00 00 00 00 00 00 00 02 00 00 00 00 00 00
            00 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        "#]]
        .assert_eq(&hex(&encoded()));
        assert_eq!(ReadHeader::read(&encoded()), ReadHeader::Whole(header()));
    }

    #[test]
    fn a_damaged_header_is_missing_and_a_newer_one_is_unknown() {
        assert_eq!(ReadHeader::read(&[0; HEADER_BYTES]), ReadHeader::Missing);
        for length in 0..114 {
            let mut torn = encoded();
            torn[length..].fill(0);
            assert_eq!(ReadHeader::read(&torn), ReadHeader::Missing, "{length} bytes");
        }
        let mut newer = encoded();
        newer[VERSION_AT] = 2;
        assert_eq!(ReadHeader::read(&newer), ReadHeader::UnknownVersion(2));
    }
}
