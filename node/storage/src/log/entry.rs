//! What the log holds: entries and votes. Their payloads are bytes it never looks into.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Names an entry; ordered by term, then node, then index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogId {
    /// The term and the node of the leader who made the entry.
    pub term: u64,
    pub node: u64,
    pub index: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vote {
    pub term: u64,
    pub node: u64,
    /// A quorum granted it.
    pub committed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: LogId,
    pub payload: Payload,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    Blank,
    Commands(Bytes),
    Membership(Bytes),
}

impl Payload {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Payload::Blank => &[],
            Payload::Commands(bytes) | Payload::Membership(bytes) => bytes,
        }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.term, self.node, self.index)
    }
}

impl fmt::Display for Vote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}{}", self.term, self.node, if self.committed { " committed" } else { "" })
    }
}
