//! Publishes a node's key.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::node_keys::NodeKey;
use crate::outcome::{Halt, Outcome};
use crate::rows::ReadTyped as _;

/// Publishes the public key of a node and generation. Internal: proposed by the node itself. The first key of a
/// generation stays: what was signed with it must remain verifiable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterNodeKey {
    /// Whose.
    pub node: u64,
    /// Which of its keys.
    pub generation: u32,
    /// The 32 bytes of the public key.
    pub public_key: [u8; 32],
}

impl RegisterNodeKey {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let id = (self.node, self.generation);
        if context.row::<NodeKey>(id).is_none() {
            context.put(id, NodeKey { public_key: self.public_key, registered_at: context.now });
        }
        Ok(Outcome::NodeKeyRegistered)
    }
}
