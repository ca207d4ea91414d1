//! Join tokens: what an operator hands to a new node, so that each side knows the other one. The node believes only
//! members whose keys the token names; the cluster lets nobody in who cannot show one that a member has signed.

mod source;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use holdfast_reservations::Timestamp;
use holdfast_storage::identity::ClusterId;
use sha2::{Digest as _, Sha256};

use crate::own_key::{OwnKey, PublicKey};

pub use source::JoinTokenSource;

/// How a token begins: what it is, and in which format.
const PREFIX: &str = "hfj1_";

/// A longer text is no token.
const TEXT_BYTES_MAX: usize = 4096;

/// Members that a token names.
pub(crate) const MEMBERS_MAX: usize = 64;

/// Enough of a SHA-256 to tell keys apart, whatever somebody tries.
const FINGERPRINT_BYTES: usize = 16;

/// Signed before everything else, so that no other signature of a node is ever one of these.
const DOMAIN: &[u8] = b"holdfast-join-token:1:";

type Fingerprint = [u8; FINGERPRINT_BYTES];

/// What an operator hands to a new node. A secret: whoever has it can become a member until it expires.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    says: Says,
    signature: [u8; 64],
}

/// What a token says.
#[derive(Clone, PartialEq, Eq)]
struct Says {
    cluster: ClusterId,
    expires_at: Timestamp,
    /// Makes each token another one.
    nonce: [u8; 16],
    node: u64,
    generation: u32,
    fingerprints: Vec<Fingerprint>,
}

/// Why a token does not let anybody in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenError {
    /// It is none.
    #[error("the join token cannot be read; copy all of it, or make another: holdfast cluster token")]
    Malformed,
    /// The file that should hold it cannot be read.
    #[error("--join-token-file {path}: {cause}; holdfast cluster token makes a join token")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why not.
        cause: String,
    },
    /// There is none.
    #[error(
        "to join over a network takes a join token: make one with `holdfast cluster token`, and start with \
         --join-token-file FILE"
    )]
    Missing,
    /// Nobody who answers is one of those whom it names.
    #[error("{0}; make another in the cluster that this node is to join: holdfast cluster token")]
    NamesNobody(String),
    /// It is another cluster's.
    #[error(
        "the join token is of cluster {token}, and this is cluster {cluster}; make another here: holdfast cluster token"
    )]
    Foreign {
        /// The token's.
        token: ClusterId,
        /// This one.
        cluster: ClusterId,
    },
    /// It is too old.
    #[error("the join token has expired; make another: holdfast cluster token")]
    Expired,
    /// It is forged, or its signer was removed.
    #[error("the join token is not signed by a member of this cluster; make another: holdfast cluster token")]
    NotSigned,
}

impl JoinToken {
    /// A token signed by a node.
    pub(crate) fn sign(
        key: &OwnKey,
        node: u64,
        cluster: ClusterId,
        members: impl IntoIterator<Item = PublicKey>,
        expires_at: Timestamp,
        nonce: [u8; 16],
    ) -> Self {
        let fingerprints = members.into_iter().take(MEMBERS_MAX).map(|key| fingerprint(&key)).collect();
        let says = Says { cluster, expires_at, nonce, node, generation: key.generation, fingerprints };
        let signature = key.signing_key.sign(&says.signed()).to_bytes();
        Self { says, signature }
    }

    /// The cluster that it is of.
    pub(crate) fn cluster(&self) -> ClusterId {
        self.says.cluster
    }

    /// When it expires, by agreed time.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.says.expires_at
    }

    /// Whether a key was a member's when the token was made.
    pub(crate) fn names(&self, key: &PublicKey) -> bool {
        self.says.fingerprints.contains(&fingerprint(key))
    }

    /// Whether it lets somebody in; `keys` tells the keys of a member by node and generation.
    pub(crate) fn check(
        &self,
        cluster: ClusterId,
        now: Timestamp,
        keys: impl FnOnce(u64, u32) -> Option<PublicKey>,
    ) -> Result<(), JoinTokenError> {
        if self.says.cluster != cluster {
            return Err(JoinTokenError::Foreign { token: self.says.cluster, cluster });
        }
        let key = keys(self.says.node, self.says.generation);
        let key = key.and_then(|key| VerifyingKey::from_bytes(&key).ok()).ok_or(JoinTokenError::NotSigned)?;
        let signature = Signature::from_bytes(&self.signature);
        key.verify_strict(&self.says.signed(), &signature).map_err(|_| JoinTokenError::NotSigned)?;
        if self.says.expires_at <= now { Err(JoinTokenError::Expired) } else { Ok(()) }
    }
}

fn fingerprint(key: &PublicKey) -> Fingerprint {
    let hash = Sha256::digest(key);
    std::array::from_fn(|position| hash[position])
}

impl Says {
    fn signed(&self) -> Vec<u8> {
        [DOMAIN, &self.to_bytes()].concat()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.cluster.0.to_be_bytes());
        bytes.extend_from_slice(&self.expires_at.0.to_be_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.node.to_be_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend(self.fingerprints.iter().flatten());
        bytes
    }

    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let says = Self {
            cluster: ClusterId(u128::from_be_bytes(take(&mut bytes)?)),
            expires_at: Timestamp(u64::from_be_bytes(take(&mut bytes)?)),
            nonce: take(&mut bytes)?,
            node: u64::from_be_bytes(take(&mut bytes)?),
            generation: u32::from_be_bytes(take(&mut bytes)?),
            fingerprints: Vec::new(),
        };
        let fingerprints = std::iter::from_fn(|| take(&mut bytes)).take(MEMBERS_MAX).collect();
        bytes.is_empty().then_some(Self { fingerprints, ..says })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// The token itself: for whoever asked for it.
impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.signature[..], &self.says.to_bytes()].concat();
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Leaves the secret out.
impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("cluster", &self.says.cluster).finish_non_exhaustive()
    }
}

impl FromStr for JoinToken {
    type Err = JoinTokenError;

    fn from_str(text: &str) -> Result<Self, JoinTokenError> {
        let bytes = text.strip_prefix(PREFIX).filter(|_| text.len() <= TEXT_BYTES_MAX);
        let bytes = bytes.and_then(|bytes| URL_SAFE_NO_PAD.decode(bytes).ok());
        let bytes = bytes.ok_or(JoinTokenError::Malformed)?;
        let mut rest = &bytes[..];
        let signature = take(&mut rest).ok_or(JoinTokenError::Malformed)?;
        let says = Says::from_bytes(rest).ok_or(JoinTokenError::Malformed)?;
        Ok(Self { says, signature })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    const CLUSTER: ClusterId = ClusterId(7);

    fn key(seed: u8) -> OwnKey {
        OwnKey { signing_key: SigningKey::from_bytes(&[seed; 32]), generation: 3 }
    }

    fn token() -> JoinToken {
        let members = [key(1).public_key(), key(2).public_key()];
        JoinToken::sign(&key(1), 1, CLUSTER, members, Timestamp(1000), [9; 16])
    }

    /// Node 1 is a member; its key of generation 3 is known.
    fn check(token: &JoinToken, cluster: ClusterId, now: u64) -> Result<(), JoinTokenError> {
        let known = |node, generation| ((node, generation) == (1, 3)).then(|| key(1).public_key());
        token.check(cluster, Timestamp(now), known)
    }

    #[test]
    fn a_token_lets_in_until_it_expires_and_here_alone() {
        let token = token();
        assert_eq!(check(&token, CLUSTER, 999), Ok(()));
        assert_eq!(check(&token, CLUSTER, 1000), Err(JoinTokenError::Expired));
        let foreign = JoinTokenError::Foreign { token: CLUSTER, cluster: ClusterId(8) };
        assert_eq!(check(&token, ClusterId(8), 0), Err(foreign));
        assert_eq!((token.names(&key(2).public_key()), token.names(&key(3).public_key())), (true, false));
    }

    #[test]
    fn a_token_that_no_member_has_signed_lets_nobody_in() {
        let of = |signer, node| JoinToken::sign(&key(signer), node, CLUSTER, [], Timestamp(1000), [0; 16]);
        assert_eq!(check(&of(1, 1), CLUSTER, 0), Ok(()));
        for forged in [of(2, 1), of(1, 2)] {
            assert_eq!(check(&forged, CLUSTER, 0), Err(JoinTokenError::NotSigned));
        }
        let mut longer = token();
        longer.says.expires_at = Timestamp(u64::MAX);
        assert_eq!(check(&longer, CLUSTER, 0), Err(JoinTokenError::NotSigned));
    }

    #[test]
    fn a_token_is_one_word_and_read_whole_or_not_at_all() {
        let token = token();
        let text = token.to_string();
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{text}");
        assert!(text.len() < 220, "{text}");
        assert!(text.parse() == Ok::<_, JoinTokenError>(token.clone()));
        assert!(!format!("{token:?}").contains(&text[5..20]), "it is a secret");
        let cut = &text[..text.len() - 1];
        for wrong in ["", "hfj1_", "hfj2_AAAA", &text[5..], cut, &format!("{text}A"), &"A".repeat(9999)] {
            assert!(wrong.parse::<JoinToken>() == Err(JoinTokenError::Malformed), "{wrong}");
        }
    }
}
