//! The fields that stored shapes share, all of fixed size and little-endian.
//!
//! | field | bytes |
//! | --- | --- |
//! | log id | term 8, node 8, index 8 |
//! | vote | term 8, node 8, committed 1 (0 or 1) |
//! | optional | present 1 (0 or 1), then the field, or as many zeros |

use bytes::{Buf, BufMut};

use super::entry::{LogId, Vote};

pub(super) const LOG_ID_BYTES: usize = 24;
pub(super) const VOTE_BYTES: usize = 17;

pub(super) fn put_log_id(bytes: &mut Vec<u8>, id: LogId) {
    bytes.put_u64_le(id.term);
    bytes.put_u64_le(id.node);
    bytes.put_u64_le(id.index);
}

pub(super) fn put_vote(bytes: &mut Vec<u8>, vote: Vote) {
    bytes.put_u64_le(vote.term);
    bytes.put_u64_le(vote.node);
    bytes.put_u8(u8::from(vote.committed));
}

pub(super) fn put_optional_log_id(bytes: &mut Vec<u8>, id: Option<LogId>) {
    bytes.put_u8(u8::from(id.is_some()));
    match id {
        Some(id) => put_log_id(bytes, id),
        None => bytes.put_bytes(0, LOG_ID_BYTES),
    }
}

pub(super) fn put_optional_vote(bytes: &mut Vec<u8>, vote: Option<Vote>) {
    bytes.put_u8(u8::from(vote.is_some()));
    match vote {
        Some(vote) => put_vote(bytes, vote),
        None => bytes.put_bytes(0, VOTE_BYTES),
    }
}

/// Reads fields one after another; `None` where bytes are missing or make no sense.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.0.try_get_u32_le().ok()
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.0.try_get_u64_le().ok()
    }

    pub(super) fn log_id(&mut self) -> Option<LogId> {
        Some(LogId { term: self.u64()?, node: self.u64()?, index: self.u64()? })
    }

    pub(super) fn vote(&mut self) -> Option<Vote> {
        Some(Vote { term: self.u64()?, node: self.u64()?, committed: self.flag()? })
    }

    pub(super) fn optional_log_id(&mut self) -> Option<Option<LogId>> {
        let is_present = self.flag()?;
        self.log_id().map(|id| is_present.then_some(id))
    }

    pub(super) fn optional_vote(&mut self) -> Option<Option<Vote>> {
        if self.flag()? {
            return self.vote().map(Some);
        }
        self.0 = self.0.get(VOTE_BYTES..)?;
        Some(None)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.0.try_get_u8().ok()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// All bytes were read.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
