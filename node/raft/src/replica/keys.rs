//! The keys of members, and join tokens signed with this node's own.

use std::time::Duration;

use holdfast_reservations::{Millis, Timestamp};

use super::Replica;
use crate::join_token::JoinToken;

/// A member and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInMembership {
    /// Which node.
    pub node: u64,
    /// Its public key.
    pub public_key: [u8; 32],
}

impl Replica {
    /// The key of every member, as far as this node knows.
    #[must_use]
    pub fn member_keys(&self) -> Vec<KeyInMembership> {
        let peers = self.parts.roster.to_introduced().peers.into_iter();
        peers.map(|peer| KeyInMembership { node: peer.node, public_key: peer.public_key }).collect()
    }

    /// A token that lets nodes into this cluster, for so long from now. Name what is drawn at random.
    #[must_use]
    pub fn join_token(&self, duration: Duration, nonce: [u8; 16]) -> JoinToken {
        let (own, key) = (self.identity(), self.own_key());
        let members = self.parts.roster.to_introduced().peers.into_iter().map(|peer| peer.public_key);
        let millis = Millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        let expires_at: Timestamp = self.agreed_time().plus(millis);
        JoinToken::sign(&key, own.node, own.cluster, members, expires_at, nonce)
    }
}
