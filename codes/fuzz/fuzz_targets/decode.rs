//! Whatever is read as a code is spelled as a code is, and nothing that no key has signed is taken.
#![no_main]

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use holdfast_codes::{Gate, KeyId, KeyStatus, Keyring, TEXT_LENGTH, decode};
use libfuzzer_sys::fuzz_target;

/// Knows the key of the codes in the corpus.
static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let mut keyring = Keyring::new(0x0123_4567_89ab_cdef);
    let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
    keyring.insert(KeyId { node: 3, generation: 1 }, key, KeyStatus::Valid);
    keyring
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let gate = Gate { now_ms: u64::MAX, early_ms: 0, late_ms: 0 };
    let refusal = KEYRING.verify(text, gate).expect_err("nothing is in time");
    assert!(!refusal.reason().is_empty());
    let Ok(read) = decode(text) else { return };
    assert!(text.len() == TEXT_LENGTH && text.is_ascii());
    let claims = *read.claims();
    // The signed half of a code that was read is what its claims make, whoever signs them.
    let again = claims.sign(&SigningKey::from_bytes(&[1; 32]));
    let again = decode(&again).expect("what is signed can be read");
    assert_eq!((again.claims(), again.message()), (read.claims(), read.message()));
});
