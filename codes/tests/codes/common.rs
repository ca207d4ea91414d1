//! A code, its key and the keyring that knows it.

use ed25519_dalek::SigningKey;
use holdfast_codes::{Code, Gate, KeyId, KeyStatus, Keyring};

pub const CLUSTER: u64 = 0x0123_4567_89ab_cdef;
pub const KEY: KeyId = KeyId { node: 3, generation: 1 };

pub const CODE: Code = Code {
    key: KEY,
    cluster: CLUSTER,
    venue: 1,
    booking: 7,
    slot: 42,
    party_size: 4,
    valid_from_ms: 1_800_000_000_000,
    valid_until_ms: 1_800_003_600_000,
    revision: 2,
};

/// While [`CODE`] is valid.
pub const GATE: Gate = Gate { now_ms: 1_800_000_000_000, early_ms: 0, late_ms: 0 };

pub fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn keyring() -> Keyring {
    keyring_with(KeyStatus::Valid)
}

pub fn keyring_with(status: KeyStatus) -> Keyring {
    let mut keyring = Keyring::new(CLUSTER);
    keyring.insert(KEY, signing_key().verifying_key(), status);
    keyring
}

pub fn token() -> String {
    CODE.sign(&signing_key())
}
