//! Access and refresh tokens: compact JWS (RFC 7515) with one algorithm, EdDSA, signed by the node that made them and
//! verified by all. A header that names anything else is refused before anything in the token is believed.
//!
//! A pair is made of nothing but the outcome of its session, and Ed25519 draws no numbers: whoever repeats a log-in or a
//! refresh under its key gets the very tokens of the first answer, as old as they are. Only the signature differs if
//! another node answers, because each signs with its own key.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use holdfast_reservations::{SESSION_DURATION, Session, SessionId, Timestamp, UserId, ValidNodeKey};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::accounts::keys::{KeyId, Keys};
use crate::problem::{Problem, Result};

/// A longer token is none of ours.
const TOKEN_BYTES_MAX: usize = 2048;

/// Verified tokens that are remembered, in each of two halves: a signature check costs a hundred times a look-up.
const REMEMBERED_MAX: usize = 50_000;

const AUDIENCE: &str = "holdfast";

/// Makes and verifies tokens.
pub(crate) struct Tokens {
    keys: Arc<Keys>,
    issuer: String,
    access_seconds: u64,
    verified: Mutex<Verified>,
}

/// What an access token says, once its signature is known to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) user: UserId,
    pub(crate) token_version: u32,
    pub(crate) expires_at: Timestamp,
}

/// What a refresh token says, once its signature is known to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refresh {
    pub(crate) session: SessionId,
    pub(crate) sequence: u64,
    /// In seconds, as the token says.
    expires: u64,
    /// The key that signed it signs nothing new.
    pub(crate) is_of_retired_key: bool,
}

impl Refresh {
    /// Whether it is the newest of its session, which was renewed at the very moment that follows from it. So a stolen key
    /// that is retired neither opens nor ends a session that has been refreshed since.
    pub(crate) fn is_newest_of(&self, session: &Session) -> bool {
        (session.sequence, session.expires_at.0 / 1000) == (self.sequence, self.expires)
    }
}

/// What somebody gets who logs in or refreshes.
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// The outcome of opening or refreshing a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) sequence: u64,
    pub(crate) token_version: u32,
    pub(crate) expires_at: Timestamp,
}

#[derive(Default)]
struct Verified {
    /// Of which epoch of the keys they are.
    epoch: u64,
    young: HashMap<Box<str>, Access>,
    old: HashMap<Box<str>, Access>,
}

/// The header of every token. Unknown members are refused: none of ours has any.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AccessClaims {
    iss: String,
    aud: String,
    sub: String,
    ver: u32,
    iat: u64,
    exp: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RefreshClaims {
    iss: String,
    aud: String,
    sid: u64,
    seq: u64,
    exp: u64,
}

impl Opened {
    /// When the rules opened or refreshed the session: for tokens, the moment they were issued.
    fn at(&self) -> Timestamp {
        Timestamp(self.expires_at.0.saturating_sub(SESSION_DURATION.0))
    }

    fn access(&self, issuer: &str, seconds: u64) -> AccessClaims {
        let iat = self.at().0 / 1000;
        AccessClaims {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: self.user.0.to_string(),
            ver: self.token_version,
            iat,
            exp: iat.saturating_add(seconds),
        }
    }

    fn refresh(&self, issuer: &str) -> RefreshClaims {
        RefreshClaims {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sid: self.session.0,
            seq: self.sequence,
            exp: self.expires_at.0 / 1000,
        }
    }
}

impl Verified {
    /// Forgets what is of an epoch before.
    fn enter(&mut self, epoch: u64) {
        if self.epoch < epoch {
            *self = Self { epoch, ..Self::default() };
        }
    }
}

impl AccessClaims {
    /// Whether a key can have signed this: one that is retired nothing that is dated later, nor for longer than any token
    /// is valid; the setting is the same on all nodes.
    fn may_be_of(&self, key: ValidNodeKey, seconds: u64) -> bool {
        let is_short = key.retired_at.is_none() || self.exp <= self.iat.saturating_add(seconds);
        is_short && key.was_in_use_at(Timestamp(self.iat.saturating_mul(1000)))
    }
}

impl RefreshClaims {
    /// Whether a key can have signed this: when it was issued follows from when its session ends.
    fn may_be_of(&self, key: ValidNodeKey) -> bool {
        let expires_at = self.exp.saturating_mul(1000);
        key.was_in_use_at(Timestamp(expires_at.saturating_sub(SESSION_DURATION.0)))
    }
}

/// The two kinds; one is never taken for the other.
const ACCESS: &str = "at+jwt";
const REFRESH: &str = "holdfast-refresh+jwt";

impl Tokens {
    pub(crate) fn new(keys: Arc<Keys>, issuer: String, access_seconds: u64) -> Self {
        Self { keys, issuer, access_seconds, verified: Mutex::default() }
    }

    /// The tokens of a session that was opened or refreshed.
    pub(crate) fn pair(&self, opened: &Opened) -> TokenPair {
        let access = self.sign(ACCESS, &opened.access(&self.issuer, self.access_seconds));
        let refresh = self.sign(REFRESH, &opened.refresh(&self.issuer));
        TokenPair { access, refresh }
    }

    /// What an access token says. Its user must still be checked against the agreed state.
    pub(crate) async fn verify_access(
        &self,
        token: &str,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Access> {
        // Taken first: what was verified before a key is retired is forgotten with it.
        let epoch = self.keys.epoch();
        if let Some(access) = self.recall(epoch, token) {
            return unexpired(access, now);
        }
        let (claims, key): (AccessClaims, _) = self.verify(ACCESS, token, deadline).await?;
        let user = claims.sub.parse().map_err(|_| invalid())?;
        self.check_parties(&claims.iss, &claims.aud)?;
        if !claims.may_be_of(key, self.access_seconds) {
            return Err(invalid());
        }
        let expires_at = Timestamp(claims.exp.saturating_mul(1000));
        let access = Access { user: UserId(user), token_version: claims.ver, expires_at };
        self.remember(epoch, token, access);
        unexpired(access, now)
    }

    /// What a refresh token says. Whether it is the newest of its session, the rules decide.
    pub(crate) async fn verify_refresh(&self, token: &str, deadline: Instant) -> Result<Refresh> {
        let (claims, key): (RefreshClaims, _) = self.verify(REFRESH, token, deadline).await?;
        self.check_parties(&claims.iss, &claims.aud)?;
        if !claims.may_be_of(key) {
            return Err(invalid());
        }
        let RefreshClaims { sid, seq, exp, .. } = claims;
        let is_of_retired_key = key.retired_at.is_some();
        Ok(Refresh { session: SessionId(sid), sequence: seq, expires: exp, is_of_retired_key })
    }

    fn check_parties(&self, issuer: &str, audience: &str) -> Result<()> {
        if issuer == self.issuer && audience == AUDIENCE { Ok(()) } else { Err(invalid()) }
    }

    fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let signer = self.keys.signer();
        let header = Header { alg: "EdDSA".to_owned(), kid: signer.id.to_string(), typ: typ.to_owned() };
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = signer.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    async fn verify<C: for<'de> Deserialize<'de>>(
        &self,
        typ: &str,
        token: &str,
        deadline: Instant,
    ) -> Result<(C, ValidNodeKey)> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid());
        }
        let (signed, signature) = token.rsplit_once('.').ok_or_else(invalid)?;
        let (header, claims) = signed.split_once('.').ok_or_else(invalid)?;
        let header: Header = decode(header)?;
        let key: KeyId = header.kid.parse().map_err(|_| invalid())?;
        if header.alg != "EdDSA" || header.typ != typ {
            return Err(invalid());
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| invalid())?;
        let signature = Signature::from_slice(&signature).map_err(|_| invalid())?;
        let key =
            self.keys.verify(key, signed.as_bytes(), &signature, deadline).await?.ok_or_else(invalid)?;
        Ok((decode(claims)?, key))
    }

    fn recall(&self, epoch: u64, token: &str) -> Option<Access> {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.enter(epoch);
        if let Some(access) = verified.young.get(token) {
            return Some(*access);
        }
        let (token, access) = verified.old.remove_entry(token)?;
        verified.young.insert(token, access);
        Some(access)
    }

    fn remember(&self, epoch: u64, token: &str, access: Access) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.epoch != epoch {
            return;
        }
        if verified.young.len() >= REMEMBERED_MAX {
            verified.old = std::mem::take(&mut verified.young);
        }
        verified.young.insert(token.into(), access);
    }
}

fn unexpired(access: Access, now: Timestamp) -> Result<Access> {
    if now < access.expires_at {
        Ok(access)
    } else {
        Err(Problem::new(401, "token_expired", "the access token has expired; refresh it or log in again"))
    }
}

fn invalid() -> Problem {
    Problem::unauthenticated("the token is not one of this cluster")
}

fn encode(value: &impl Serialize) -> String {
    // Structs of strings and numbers always have JSON.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap_or_default())
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| invalid())?;
    serde_json::from_slice(&bytes).map_err(|_| invalid())
}
