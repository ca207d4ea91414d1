//! The public keys of nodes: each node signs with its own key, every node verifies all of them. A key is retired when
//! its node has another one, or is no member any more, and revoked when somebody else may have it.

pub mod register;
pub mod retire;
pub mod revoke;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use register::RegisterNodeKey;
pub use retire::RetireNodeKeys;
pub use revoke::RevokeNodeKey;

use crate::ids::{BookingId, UserId};
use crate::rows::{ReadRows, ReadTyped as _};
use crate::sessions::SESSION_DURATION;
use crate::time::{Millis, Timestamp};

/// How long after its retirement a key is still taken: nothing that nodes sign for callers is valid for longer.
pub const KEY_AFTERLIFE_DURATION: Millis = SESSION_DURATION;

/// So far ahead of agreed time a node's own reckoning of it may be when it dates what it signs.
const KEY_HASTE_DURATION: Millis = Millis(5_000);

/// Names a key: a node, and which of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeKeyId {
    /// The node.
    pub node: u64,
    /// Which of its keys.
    pub generation: u32,
}

impl fmt::Display for NodeKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node, self.generation)
    }
}

/// The public half of a node's Ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeKey {
    /// The 32 bytes of the public key.
    pub public_key: [u8; 32],
    /// Since when it is known.
    pub registered_at: Timestamp,
}

/// Says that nothing new is signed with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredNodeKey {
    /// Since when.
    pub retired_at: Timestamp,
    /// When the last of what it signed has expired.
    pub expires_at: Timestamp,
}

/// Says that whatever a key has signed is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedNodeKey {
    /// Since when.
    pub revoked_at: Timestamp,
    /// Which operator has said so.
    pub revoked_by: UserId,
    /// Whether the bookings whose codes it signed have got others.
    pub sweep: CodeSweep,
}

/// How far the codes that a revoked key has signed were made void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeSweep {
    /// They become so.
    Sweeping {
        /// The booking that was looked at last.
        behind: BookingId,
    },
    /// They are.
    Done,
}

/// A key whose signatures are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidNodeKey {
    /// The 32 bytes of the public key.
    pub public_key: [u8; 32],
    /// Since when nothing new is signed with it.
    pub retired_at: Option<Timestamp>,
}

impl ValidNodeKey {
    /// Whether its node can have signed what says that it was issued then: whoever dates something after the key's
    /// retirement has stolen it.
    #[must_use]
    pub fn was_in_use_at(self, issued_at: Timestamp) -> bool {
        self.retired_at.is_none_or(|retired_at| issued_at <= retired_at.plus(KEY_HASTE_DURATION))
    }
}

/// The key of a node and generation, unless all that it signed has expired or it is revoked.
pub fn valid_node_key(
    rows: &(impl ReadRows + ?Sized),
    node: u64,
    generation: u32,
    now: Timestamp,
) -> Option<ValidNodeKey> {
    let key = rows.row::<NodeKey>((node, generation))?;
    if rows.row::<RevokedNodeKey>(NodeKeyId { node, generation }).is_some() {
        return None;
    }
    let retired = rows.row::<RetiredNodeKey>((node, generation));
    let retired_at = match retired {
        Some(retired) if retired.expires_at <= now => return None,
        Some(retired) => Some(retired.retired_at),
        None => None,
    };
    Some(ValidNodeKey { public_key: key.public_key, retired_at })
}
