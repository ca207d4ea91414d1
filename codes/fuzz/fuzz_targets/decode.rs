//! Whatever is read as a code is spelled as a code is, and nothing that no key has signed is taken.
#![no_main]

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use holdfast_codes::{Gate, KeyId, KeyStatus, Keyring, TEXT_LENGTH, decode};
use libfuzzer_sys::fuzz_target;

/// The key of the codes in the corpus.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));

/// Knows it.
static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let mut keyring = Keyring::new(0x0123_4567_89ab_cdef);
    keyring.insert(KeyId { node: 3, generation: 1 }, KEY.verifying_key(), KeyStatus::Valid);
    keyring
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Every code is in time.
    let gate = Gate { now_ms: 0, early_ms: u64::MAX, late_ms: u64::MAX };
    match KEYRING.verify(text, gate) {
        Ok(code) => assert_eq!(code.sign(&KEY), text, "nobody has signed this"),
        Err(refusal) => assert!(!refusal.reason().is_empty()),
    }
    let Ok(read) = decode(text) else { return };
    assert!(text.len() == TEXT_LENGTH && text.is_ascii());
    let claims = *read.claims();
    // The signed half of a code that was read is what its claims make, whoever signs them.
    let again = claims.sign(&SigningKey::from_bytes(&[1; 32]));
    let again = decode(&again).expect("what is signed can be read");
    assert_eq!((again.claims(), again.message()), (read.claims(), read.message()));
});
