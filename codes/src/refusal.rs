//! Why a code is not taken: a word for programs, a sentence for whoever stands at the gate.

use crate::key_id::KeyId;

/// Why a code is not taken. The first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// It is longer than any code; nothing of it was looked at.
    #[error("this is longer than any code")]
    TooLong,
    /// It is no code at all, or was not read whole.
    #[error("this is not a code, or it was not read whole")]
    Malformed,
    /// It begins like a code, of a format that is unknown here.
    #[error("this code has a format that this scanner does not know; it may need a newer version")]
    UnknownFormat,
    /// It says what a code would say, in a spelling that no node writes.
    #[error("this code is not spelled as nodes spell theirs")]
    NotCanonical,
    /// It belongs to another cluster.
    #[error("this code is of another cluster")]
    WrongCluster,
    /// The key is not among those that are known here.
    #[error("this code is signed with key {0}, which is not known here; fetch the keys again")]
    UnknownKey(KeyId),
    /// The key was revoked: whatever it signed is void.
    #[error("this code is signed with key {0}, which was revoked")]
    RevokedKey(KeyId),
    /// The key it names did not sign it.
    #[error("the signature is wrong: this code was altered or made up")]
    BadSignature,
    /// The booking was cancelled, or has a newer code.
    #[error("this code was revoked: the booking was cancelled, or has a newer code")]
    Revoked,
    /// Its time has not come.
    #[error("this code is not valid yet")]
    TooEarly {
        /// From when on it is valid, in Unix milliseconds.
        valid_from_ms: u64,
    },
    /// Its time is over.
    #[error("this code is no longer valid")]
    TooLate {
        /// Until when it was valid, in Unix milliseconds.
        valid_until_ms: u64,
    },
}

impl Refusal {
    /// The word that stands for it; words never change.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::UnknownFormat => "unknown_format",
            Self::NotCanonical => "not_canonical",
            Self::WrongCluster => "wrong_cluster",
            Self::UnknownKey(_) => "unknown_key",
            Self::RevokedKey(_) => "revoked_key",
            Self::BadSignature => "bad_signature",
            Self::Revoked => "revoked",
            Self::TooEarly { .. } => "too_early",
            Self::TooLate { .. } => "too_late",
        }
    }
}
