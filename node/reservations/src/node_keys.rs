//! The public keys of nodes: each node signs with its own key, every node verifies all of them.

pub mod register;

use serde::{Deserialize, Serialize};

pub use register::RegisterNodeKey;

use crate::time::Timestamp;

/// The public half of a node's Ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeKey {
    /// The 32 bytes of the public key.
    pub public_key: [u8; 32],
    /// Since when it is known.
    pub registered_at: Timestamp,
}
