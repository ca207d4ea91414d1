//! The keys of all nodes: this one signs with its own, and verifies what any of them signed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use holdfast_raft::{Consistency, OwnKey, Replica};
use holdfast_reservations::{
    Key, NodeKey, Order, ReadRows as _, ReadTyped as _, Timestamp, ValidNodeKey, valid_node_key,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::problem::{Problem, Result};

/// Keys that are listed: many more than a cluster has nodes and generations.
const KEYS_LISTED_MAX: usize = 1000;

/// Names a key: a node and which of its keys. Written `NODE-GENERATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyId {
    pub(crate) node: u64,
    pub(crate) generation: u32,
}

/// The keys of all nodes.
pub(crate) struct Keys {
    replica: Replica,
    metrics: Metrics,
}

/// The key that this node signs with at the moment.
pub(crate) struct Signer {
    pub(crate) id: KeyId,
    key: Arc<OwnKey>,
}

impl Signer {
    /// Signs with this node's key.
    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.key.signing_key.sign(message)
    }
}

impl Keys {
    pub(crate) fn new(replica: Replica, metrics: Metrics) -> Self {
        Self { replica, metrics }
    }

    /// The key to sign with: what names it and what is signed go together, while keys change.
    pub(crate) fn signer(&self) -> Signer {
        let key = self.replica.own_key();
        Signer { id: KeyId { node: self.replica.identity().node, generation: key.generation }, key }
    }

    /// The key that signed a message, if it did, waiting until `deadline` to learn of one that is new here. Whether it was
    /// in use when the message was issued is left to whoever can read that in it.
    pub(crate) async fn verify(
        &self,
        id: KeyId,
        message: &[u8],
        signature: &Signature,
        deadline: Instant,
    ) -> Result<Option<ValidNodeKey>> {
        let found = self.find(id, deadline).await?;
        Ok(found.filter(|found| {
            let key = VerifyingKey::from_bytes(&found.public_key);
            key.is_ok_and(|key| key.verify_strict(message, signature).is_ok())
        }))
    }

    /// Rises whenever a key may have been retired here: what it signed and was verified is verified again.
    pub(crate) fn epoch(&self) -> u64 {
        self.metrics.keys_epoch()
    }

    async fn find(&self, id: KeyId, deadline: Instant) -> Result<Option<ValidNodeKey>> {
        let now = self.replica.agreed_time();
        let valid = |view: &holdfast_raft::View<'_>| valid_node_key(view, id.node, id.generation, now);
        // A key that is unknown here may be new; one that was retired stays so.
        let is_known =
            |view: &holdfast_raft::View<'_>| view.row::<NodeKey>((id.node, id.generation)).is_some();
        let ((here, is_known), _) = self.replica.look(|view| (valid(view), is_known(view)))?;
        Ok(match is_known {
            true => here,
            false => self.replica.read(Consistency::Linearizable, deadline, valid).await?.value,
        })
    }

    /// Refuses what needs a signature until all nodes can know this node's key.
    pub(crate) fn check_published(&self) -> Result<()> {
        let KeyId { node, generation } = self.signer().id;
        let id = (node, generation);
        match self.replica.look(|view| view.row::<NodeKey>(id).is_some()) {
            Ok((true, _)) => Ok(()),
            Ok((false, _)) | Err(_) => {
                let detail = "this node has not yet published the key it signs with; nothing was done";
                Err(Problem::new(503, "no_quorum", detail))
            }
        }
    }

    /// All public keys that can have signed an access token which is still valid, as a JWK set (RFC 7517, RFC 8037).
    pub(crate) fn to_json(&self, access_seconds: u64) -> Result<Value> {
        let now = self.replica.agreed_time();
        let (keys, _) = self.replica.look(|view| {
            let rows =
                view.scan(Key::NodeKey(0, 0)..Key::NodeKey(u64::MAX, 0), Order::Ascending, KEYS_LISTED_MAX);
            let keys = rows.into_iter().filter_map(|(key, _)| {
                let Key::NodeKey(node, generation) = key else { return None };
                let key = valid_node_key(view, node, generation, now)?;
                let key = Some(key).filter(|key| is_listed(*key, now, access_seconds))?;
                let kid = KeyId { node, generation }.to_string();
                let x = URL_SAFE_NO_PAD.encode(key.public_key);
                Some(
                    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}),
                )
            });
            keys.collect::<Vec<_>>()
        })?;
        Ok(json!({"keys": keys}))
    }
}

/// Whether others are told of a key: they know nothing of its retirement, so one that was stolen must not outlast what it
/// signed before.
fn is_listed(key: ValidNodeKey, now: Timestamp, access_seconds: u64) -> bool {
    key.was_in_use_at(Timestamp(now.0.saturating_sub(access_seconds.saturating_mul(1000))))
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node, self.generation)
    }
}

impl FromStr for KeyId {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (node, generation) = text.split_once('-').ok_or(())?;
        Ok(Self { node: node.parse().map_err(drop)?, generation: generation.parse().map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_key_is_listed_until_its_access_tokens_have_expired() {
        let is_listed = |retired_at: Option<u64>, now| {
            let key = ValidNodeKey { public_key: [0; 32], retired_at: retired_at.map(Timestamp) };
            is_listed(key, Timestamp(now), 900)
        };
        assert!(is_listed(None, u64::MAX));
        assert!(is_listed(Some(1_000), 2_000) && is_listed(Some(1_000), 906_000));
        assert!(!is_listed(Some(1_000), 906_001));
    }
}
