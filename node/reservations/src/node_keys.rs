//! The public keys of nodes: each node signs with its own key, every node verifies all of them. A key is retired when
//! its node has another one, or is no member any more.

pub mod register;
pub mod retire;

use serde::{Deserialize, Serialize};

pub use register::RegisterNodeKey;
pub use retire::RetireNodeKeys;

use crate::rows::{ReadRows, ReadTyped as _};
use crate::sessions::SESSION_DURATION;
use crate::time::{Millis, Timestamp};

/// How long after its retirement a key is still taken: nothing that nodes sign for callers is valid for longer.
pub const KEY_AFTERLIFE_DURATION: Millis = SESSION_DURATION;

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

/// The key of a node and generation, unless all that it signed has expired.
pub fn valid_node_key(
    rows: &(impl ReadRows + ?Sized),
    node: u64,
    generation: u32,
    now: Timestamp,
) -> Option<[u8; 32]> {
    let key = rows.row::<NodeKey>((node, generation))?;
    let retired = rows.row::<RetiredNodeKey>((node, generation));
    let has_expired = retired.is_some_and(|retired| retired.expires_at <= now);
    (!has_expired).then_some(key.public_key)
}
