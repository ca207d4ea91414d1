//! How far a set of rows has come in the log: written with the rows themselves, so that it is true of them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError};
use crate::log::LogId;

/// The version of [`Mark`].
const VERSION: u8 = 1;

/// The last applied entry, and the cluster's membership as of then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Of which Raft group.
    pub group: u32,
    /// The last entry whose effect the rows show.
    pub applied: LogId,
    /// The entry that the membership comes from; `None` before there is one.
    pub membership_id: Option<LogId>,
    /// The membership, in the words of whoever agrees on it.
    pub membership: Bytes,
}

impl Mark {
    /// Appends the stored bytes.
    pub fn encode(&self, into: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::encode(VERSION, self, into)
    }

    /// The mark of stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, VERSION)
    }
}
