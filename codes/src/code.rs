//! A code: what it says, the bytes it is signed as, and the text that is drawn.
//!
//! The text is `HF2` and 133 bytes in base32: 69 that are signed, big-endian, in the order of [`Code`]'s fields after one
//! byte of format; then the signature. Every code is as long as any other, and the same code is always the same text.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::base32;
use crate::key_id::KeyId;
use crate::refusal::Refusal;

/// What every code begins with, and codes of this format.
const ANY_PREFIX: &str = "HF";
const PREFIX: &str = "HF2";

/// The first byte: the number is the format.
const FORMAT: u8 = 2;

const SIGNED_BYTES: usize = 69;
const BYTES: usize = SIGNED_BYTES + Signature::BYTE_SIZE;

/// Precedes what is signed: nodes sign other things with the same keys, and none of them may pass for a code.
const SIGNED_AS: &[u8] = b"holdfast-code:2:";

/// How many characters a code has; more are refused unseen.
pub const TEXT_LENGTH: usize = PREFIX.len() + base32::length(BYTES);

/// What a code says. No personal data: whoever reads it learns numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// The key that signs it.
    pub key: KeyId,
    /// The cluster: the first half of its id, see [`cluster_prefix`].
    pub cluster: u64,
    /// Where.
    pub venue: u64,
    /// Which booking.
    pub booking: u64,
    /// The slot it is for.
    pub slot: u64,
    /// How many may enter.
    pub party_size: u32,
    /// From when on, in Unix milliseconds.
    pub valid_from_ms: u64,
    /// Until when, in Unix milliseconds; that moment is too late.
    pub valid_until_ms: u64,
    /// Rises when the booking gets another code; older ones are void then.
    pub revision: u32,
}

/// A code that could be read. Anybody can have written it: whoever has not verified it knows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unverified {
    code: Code,
    signature: Signature,
}

/// What codes call a cluster: the first 16 of the 32 digits of its id. Clusters are told apart by their keys; this only
/// says so in better words.
#[must_use]
pub const fn cluster_prefix(cluster: u128) -> u64 {
    (cluster >> 64) as u64
}

impl Code {
    /// The text of the code. `key` must be the one that the code names.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let bytes = self.to_bytes();
        to_text(&bytes, &key.sign(&message(&bytes)))
    }

    fn to_bytes(self) -> [u8; SIGNED_BYTES] {
        let mut bytes = Vec::with_capacity(SIGNED_BYTES);
        bytes.push(FORMAT);
        bytes.extend(self.key.node.to_be_bytes());
        bytes.extend(self.key.generation.to_be_bytes());
        bytes.extend(self.cluster.to_be_bytes());
        bytes.extend(self.venue.to_be_bytes());
        bytes.extend(self.booking.to_be_bytes());
        bytes.extend(self.slot.to_be_bytes());
        bytes.extend(self.party_size.to_be_bytes());
        bytes.extend(self.valid_from_ms.to_be_bytes());
        bytes.extend(self.valid_until_ms.to_be_bytes());
        bytes.extend(self.revision.to_be_bytes());
        let mut fixed = [0; SIGNED_BYTES];
        fixed.copy_from_slice(&bytes);
        fixed
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let code = Self {
            key: KeyId { node: take_u64(&mut rest)?, generation: take_u32(&mut rest)? },
            cluster: take_u64(&mut rest)?,
            venue: take_u64(&mut rest)?,
            booking: take_u64(&mut rest)?,
            slot: take_u64(&mut rest)?,
            party_size: take_u32(&mut rest)?,
            valid_from_ms: take_u64(&mut rest)?,
            valid_until_ms: take_u64(&mut rest)?,
            revision: take_u32(&mut rest)?,
        };
        rest.is_empty().then_some(code)
    }
}

/// Reads a code, and believes nothing of it yet.
///
/// # Errors
///
/// Whatever is not, character for character, a text that [`Code::sign`] could have made.
pub fn decode(text: &str) -> Result<Unverified, Refusal> {
    if text.len() > TEXT_LENGTH {
        return Err(Refusal::TooLong);
    }
    let Some(coded) = text.strip_prefix(PREFIX) else {
        return Err(if text.starts_with(ANY_PREFIX) { Refusal::UnknownFormat } else { Refusal::Malformed });
    };
    let mut bytes = [0; BYTES];
    base32::decode(coded, &mut bytes).ok_or(Refusal::Malformed)?;
    let (signed, signature) = bytes.split_at(SIGNED_BYTES);
    let (format, fields) = signed.split_first().ok_or(Refusal::Malformed)?;
    if *format != FORMAT {
        return Err(Refusal::UnknownFormat);
    }
    let code = Code::from_bytes(fields).ok_or(Refusal::Malformed)?;
    let signature = Signature::from_slice(signature).map_err(|_| Refusal::Malformed)?;
    // One code, one text: small letters and spare bits would let a used code look like another one.
    if to_text(&code.to_bytes(), &signature) != text {
        return Err(Refusal::NotCanonical);
    }
    Ok(Unverified { code, signature })
}

impl Unverified {
    /// The key that is said to have signed it.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.code.key
    }

    /// What it says, true or not.
    #[must_use]
    pub fn claims(&self) -> &Code {
        &self.code
    }

    /// What the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(&self.code.to_bytes())
    }

    /// The signature, right or wrong.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The code, if this key signed it. The caller has chosen the key by [`Unverified::key`].
    ///
    /// # Errors
    ///
    /// [`Refusal::BadSignature`].
    pub fn verify_with(&self, key: &VerifyingKey) -> Result<Code, Refusal> {
        // Strict: one signature has one spelling, and no weak key signs everything.
        let verified = key.verify_strict(&self.message(), &self.signature);
        verified.map(|()| self.code).map_err(|_| Refusal::BadSignature)
    }
}

fn message(bytes: &[u8; SIGNED_BYTES]) -> Vec<u8> {
    [SIGNED_AS, bytes].concat()
}

fn to_text(bytes: &[u8; SIGNED_BYTES], signature: &Signature) -> String {
    let mut text = String::with_capacity(TEXT_LENGTH);
    text.push_str(PREFIX);
    base32::encode(&[bytes.as_slice(), &signature.to_bytes()].concat(), &mut text);
    text
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_be_bytes(*taken))
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*taken))
}
