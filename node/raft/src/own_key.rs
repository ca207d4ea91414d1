//! The key of this node: it signs tokens, and it is what other nodes know this one by.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use holdfast_storage::identity::Identity;
use tokio::sync::watch;

/// The public half of a node's Ed25519 key.
pub(crate) type PublicKey = [u8; 32];

/// A key of this node.
pub struct OwnKey {
    /// The key.
    pub signing_key: SigningKey,
    /// Which of the node's keys it is.
    pub generation: u32,
}

impl OwnKey {
    pub(crate) fn of(identity: &Identity) -> Self {
        let signing_key = SigningKey::from_bytes(&identity.secret_key);
        Self { signing_key, generation: identity.key_generation }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.signing_key.verifying_key().to_bytes()
    }
}

/// Leaves the secret out.
impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// Tells which key is in use.
pub(crate) type KeyInUse = watch::Receiver<Arc<OwnKey>>;
