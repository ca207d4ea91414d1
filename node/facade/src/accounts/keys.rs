//! The keys of all nodes: this one signs with its own, and verifies what any of them signed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use holdfast_codes::Code;
pub(crate) use holdfast_codes::KeyId;
use holdfast_raft::{Consistency, OwnKey, Read, Replica};
use holdfast_reservations::{
    Key, NodeKey, NodeKeyId, Order, ReadRows as _, ReadTyped as _, RetiredNodeKey, RevokedNodeKey, Timestamp,
    ValidNodeKey, valid_node_key,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::problem::{Problem, Result};
use crate::wire::instant;

/// Keys that are listed: many more than a cluster has nodes and generations.
const KEYS_LISTED_MAX: usize = 1000;

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

    /// The text of a code that names this key.
    pub(crate) fn code(&self, code: &Code) -> String {
        code.sign(&self.key.signing_key)
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

    /// The public key of a node and generation, whatever has become of it since, waiting until `deadline` to learn of one
    /// that is new here.
    pub(crate) async fn published(&self, id: KeyId, deadline: Instant) -> Result<Option<VerifyingKey>> {
        let find = |view: &holdfast_raft::View<'_>| view.row::<NodeKey>((id.node, id.generation));
        let found = match self.replica.look(find)? {
            (Some(here), _) => Some(here),
            (None, _) => self.replica.read(Consistency::Linearizable, deadline, find).await?.value,
        };
        Ok(found.and_then(|key| VerifyingKey::from_bytes(&key.public_key).ok()))
    }

    /// Refuses what needs a signature until all nodes can know this node's key.
    pub(crate) fn check_published(&self) -> Result<()> {
        let KeyId { node, generation } = self.signer().id;
        let revoked = NodeKeyId { node, generation };
        let standing = |view: &holdfast_raft::View<'_>| {
            let is_published = view.row::<NodeKey>((node, generation)).is_some();
            (is_published, view.row::<RevokedNodeKey>(revoked).is_some())
        };
        match self.replica.look(standing) {
            Ok(((true, false), _)) => Ok(()),
            Ok(((_, true), _)) => {
                let detail =
                    format!("this node signs with key {revoked}, which is revoked; ask another node");
                Err(Problem::new(503, "key_revoked", detail))
            }
            Ok(((false, false), _)) | Err(_) => {
                let detail = "this node has not yet published the key it signs with; nothing was done";
                Err(Problem::new(503, "no_quorum", detail))
            }
        }
    }

    /// All public keys that can have signed an access token which is still valid, as a JWK set (RFC 7517, RFC 8037).
    pub(crate) async fn to_json(
        &self,
        access_seconds: u64,
        consistency: Consistency,
        deadline: Instant,
    ) -> Result<Read<Value>> {
        let now = self.replica.agreed_time();
        let list = |view: &holdfast_raft::View<'_>| {
            let rows =
                view.scan(Key::NodeKey(0, 0)..Key::NodeKey(u64::MAX, 0), Order::Ascending, KEYS_LISTED_MAX);
            let keys = rows.into_iter().filter_map(|(key, _)| {
                let Key::NodeKey(node, generation) = key else { return None };
                let key = valid_node_key(view, node, generation, now)?;
                let key = Some(key).filter(|key| is_listed(*key, now, access_seconds))?;
                Some(jwk(KeyId { node, generation }, &key.public_key))
            });
            json!({"keys": keys.collect::<Vec<_>>()})
        };
        Ok(self.replica.read(consistency, deadline, list).await?)
    }

    /// All public keys there ever were, with what has become of them: for scanners, who verify codes that are older than
    /// any access token. A node that is cut off may not know which of them were revoked.
    pub(crate) async fn of_codes(&self, consistency: Consistency, deadline: Instant) -> Result<Read<Value>> {
        let cluster = self.replica.identity().cluster.to_string();
        let list = |view: &holdfast_raft::View<'_>| {
            // The newest first: of a thousand and one, the oldest is left out.
            let rows =
                view.scan(Key::NodeKey(0, 0)..Key::NodeKey(u64::MAX, 0), Order::Descending, KEYS_LISTED_MAX);
            let keys = rows.into_iter().filter_map(|(key, _)| {
                let Key::NodeKey(node, generation) = key else { return None };
                let key = view.row::<NodeKey>((node, generation))?;
                Some(with_status(view, KeyId { node, generation }, &key))
            });
            json!({"keys": keys.collect::<Vec<_>>(), "cluster": cluster})
        };
        Ok(self.replica.read(consistency, deadline, list).await?)
    }
}

/// What a scanner is told of a key.
fn with_status(view: &holdfast_raft::View<'_>, id: KeyId, key: &NodeKey) -> Value {
    let KeyId { node, generation } = id;
    let mut body = jwk(id, &key.public_key);
    let retired = view.row::<RetiredNodeKey>((node, generation));
    let (status, revoked_at) = match view.row::<RevokedNodeKey>(NodeKeyId { node, generation }) {
        Some(revoked) => ("revoked", Some(instant(revoked.revoked_at))),
        None if retired.is_some() => ("retired", None),
        None => ("valid", None),
    };
    body["status"] = json!(status);
    if let Some(revoked_at) = revoked_at {
        body["revokedAt"] = json!(revoked_at);
    }
    body
}

fn jwk(id: KeyId, public_key: &[u8; 32]) -> Value {
    let x = URL_SAFE_NO_PAD.encode(public_key);
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": id.to_string(), "x": x})
}

/// Whether others are told of a key: they know nothing of its retirement, so one that was stolen must not outlast what it
/// signed before.
fn is_listed(key: ValidNodeKey, now: Timestamp, access_seconds: u64) -> bool {
    key.was_in_use_at(Timestamp(now.0.saturating_sub(access_seconds.saturating_mul(1000))))
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
