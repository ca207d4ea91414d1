//! A keyring out of the answer of `GET /v1/keys`: a JWK set (RFC 7517, RFC 8037) that also names its cluster.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::Deserialize;

use crate::code::cluster_prefix;
use crate::key_id::KeyId;
use crate::keyring::{KeyStatus, Keyring};

/// A longer answer is refused unread: many times what all keys of a cluster take.
pub const KEYS_BYTES_MAX: usize = 1 << 20;

/// More keys are refused: nodes list no more either.
pub const KEYS_MAX: usize = 1000;

/// Why an answer gives no keyring. A keyring is had whole or not at all.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It is too long, or lists too many keys.
    #[error("more than {KEYS_BYTES_MAX} bytes or {KEYS_MAX} keys")]
    TooMany,
    /// It is not the JSON that nodes answer.
    #[error("not an answer of GET /v1/keys: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The cluster is not 32 hexadecimal digits.
    #[error("it does not say of which cluster the keys are")]
    Cluster,
    /// A key is damaged, or says something that is not understood.
    #[error("key {kid:?}: {problem}")]
    Key {
        /// As it is written there.
        kid: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// No key of the set verifies codes.
    #[error("there is no Ed25519 key in it")]
    NoKeys,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
    cluster: String,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
    status: Option<String>,
    #[serde(rename = "revokedAt")]
    revoked_at: Option<String>,
}

impl Keyring {
    /// The keys of an answer. Keys of other kinds are passed over; a status that is not known here is an error, lest a
    /// key that is good for nothing be taken for a good one.
    ///
    /// # Errors
    ///
    /// See [`KeysError`].
    pub fn from_json(text: &str) -> Result<Self, KeysError> {
        if text.len() > KEYS_BYTES_MAX {
            return Err(KeysError::TooMany);
        }
        let set: KeySet = serde_json::from_str(text)?;
        if set.keys.len() > KEYS_MAX {
            return Err(KeysError::TooMany);
        }
        let mut keyring = Self::new(cluster_from(&set.cluster).ok_or(KeysError::Cluster)?);
        for jwk in set.keys.iter().filter(|jwk| jwk.is_ed25519()) {
            let (id, key, status) =
                jwk.read().map_err(|problem| KeysError::Key { kid: jwk.kid.clone(), problem })?;
            if keyring.status(id).is_some() {
                return Err(KeysError::Key { kid: jwk.kid.clone(), problem: "it is listed twice" });
            }
            keyring.insert(id, key, status);
        }
        if keyring.is_empty() { Err(KeysError::NoKeys) } else { Ok(keyring) }
    }
}

impl Jwk {
    fn is_ed25519(&self) -> bool {
        self.kty == "OKP" && self.crv.as_deref() == Some("Ed25519")
    }

    fn read(&self) -> Result<(KeyId, VerifyingKey, KeyStatus), &'static str> {
        let id = self.kid.parse().map_err(|_| "its kid is not NODE-GENERATION")?;
        let x = URL_SAFE_NO_PAD.decode(&self.x).map_err(|_| "its x is not base64url")?;
        let x: [u8; 32] = x.try_into().map_err(|_| "its x has not 32 bytes")?;
        let key = VerifyingKey::from_bytes(&x).map_err(|_| "its x is no point of the curve")?;
        if key.is_weak() {
            return Err("it is a weak key");
        }
        Ok((id, key, self.read_status()?))
    }

    fn read_status(&self) -> Result<KeyStatus, &'static str> {
        let revoked_at = self.revoked_at.as_deref().map(milliseconds_from).transpose()?;
        match (self.status.as_deref(), revoked_at) {
            (Some("revoked"), at_ms) => Ok(KeyStatus::Revoked { at_ms }),
            (None | Some("valid"), None) => Ok(KeyStatus::Valid),
            (Some("retired"), None) => Ok(KeyStatus::Retired),
            (None | Some("valid" | "retired"), Some(_)) => Err("it has revokedAt and is not revoked"),
            (Some(_), _) => Err("its status is not known here"),
        }
    }
}

fn cluster_from(text: &str) -> Option<u64> {
    let is_whole = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_whole.then(|| u128::from_str_radix(text, 16).ok().map(cluster_prefix)).flatten()
}

fn milliseconds_from(text: &str) -> Result<u64, &'static str> {
    let moment: jiff::Timestamp = text.parse().map_err(|_| "its revokedAt is not an instant")?;
    u64::try_from(moment.as_millisecond()).map_err(|_| "its revokedAt is before 1970")
}
