//! Every reason for which a code is refused.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use holdfast_codes::{
    Code, Gate, KeyId, KeyStatus, Keyring, Refusal, RevokedError, RevokedList, TEXT_LENGTH, decode,
};

use crate::common::{CLUSTER, CODE, GATE, KEY, keyring, keyring_with, signing_key, token};

fn reason(text: &str) -> &'static str {
    reason_at(&keyring(), text, GATE)
}

fn reason_at(keyring: &Keyring, text: &str, gate: Gate) -> &'static str {
    keyring.verify(text, gate).map_or_else(|refusal| refusal.reason(), |_| "taken")
}

/// The token with another last character.
fn with_last(last: char) -> String {
    let mut text = token();
    text.pop();
    text.push(last);
    text
}

#[test]
fn what_is_longer_than_a_code_is_not_looked_at() {
    assert_eq!(reason(&format!("{}A", token())), "too_long");
    assert_eq!(reason(&" ".repeat(TEXT_LENGTH + 1)), "too_long");
}

#[test]
fn what_is_no_code_is_malformed() {
    let text = token();
    for malformed in ["", "H", "hf2", "https://example.org", &text[..215], &text[..3], &text[1..]] {
        assert_eq!(reason(malformed), "malformed", "{malformed}");
    }
    for foreign in ["1", "=", " ", "\0"] {
        assert_eq!(reason(&format!("{}{foreign}", &text[..215])), "malformed");
    }
}

#[test]
fn other_formats_are_called_so() {
    assert_eq!(reason("HF1.7.1-1.c2lnbmF0dXJl"), "unknown_format");
    assert_eq!(reason(&token().replacen("HF2", "HF3", 1)), "unknown_format");
    // The format is signed too: it is the first byte.
    assert_eq!(reason(&token().replacen("HF2AI", "HF2AM", 1)), "unknown_format");
}

#[test]
fn a_code_has_one_spelling() {
    let text = token();
    let small = format!("HF2{}", text[3..].to_lowercase());
    assert_eq!(reason(&small), "not_canonical");
    // 133 bytes leave one bit of the last character.
    let last = text.chars().last().unwrap();
    let next = char::from_u32(last as u32 + 1).unwrap();
    assert_eq!(reason(&with_last(next)), "not_canonical");
}

#[test]
fn a_code_of_another_cluster_is_called_so_whoever_signed_it() {
    let elsewhere = Code { cluster: 1, ..CODE };
    assert_eq!(reason(&elsewhere.sign(&signing_key())), "wrong_cluster");
    assert_eq!(reason(&elsewhere.sign(&SigningKey::from_bytes(&[8; 32]))), "wrong_cluster");
}

#[test]
fn an_unknown_key_is_called_so() {
    let key = KeyId { generation: 2, ..KEY };
    let refusal = keyring().verify(&Code { key, ..CODE }.sign(&signing_key()), GATE);
    assert_eq!(refusal, Err(Refusal::UnknownKey(key)));
    assert_eq!(refusal.unwrap_err().reason(), "unknown_key");
}

#[test]
fn a_retired_key_is_good_and_a_revoked_one_is_not() {
    let reason = |status| reason_at(&keyring_with(status), &token(), GATE);
    assert_eq!(reason(KeyStatus::Valid), "taken");
    assert_eq!(reason(KeyStatus::Retired), "taken");
    assert_eq!(reason(KeyStatus::Revoked { at_ms: None }), "revoked_key");
    assert_eq!(reason(KeyStatus::Revoked { at_ms: Some(GATE.now_ms) }), "revoked_key");
    let later = Some(GATE.now_ms + 3_600_000);
    assert_eq!(reason(KeyStatus::Revoked { at_ms: later }), "revoked_key", "this clock may be behind");
}

#[test]
fn what_the_key_did_not_sign_is_refused() {
    assert_eq!(reason(&CODE.sign(&SigningKey::from_bytes(&[8; 32]))), "bad_signature");
    let key = signing_key().verifying_key();
    let told = decode(&CODE.sign(&SigningKey::from_bytes(&[8; 32]))).unwrap();
    assert_eq!(told.verify_with(&key), Err(Refusal::BadSignature));
}

#[test]
fn a_signature_over_the_bare_bytes_is_none() {
    // Nodes sign tokens and URLs with the same keys; only what begins as a code does is one.
    let read = decode(&token()).unwrap();
    let message = read.message();
    assert!(message.starts_with(b"holdfast-code:2:"));
    let bare: Signature = signing_key().sign(&message[b"holdfast-code:2:".len()..]);
    assert_ne!(bare, *read.signature());
}

#[test]
fn a_weak_key_signs_nothing() {
    // The neutral point, with which a signature of zeros fits any message where checks are lax.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut keyring = Keyring::new(CLUSTER);
    keyring.insert(KEY, VerifyingKey::from_bytes(&neutral).unwrap(), KeyStatus::Valid);
    assert_eq!(reason_at(&keyring, &token(), GATE), "bad_signature");
}

#[test]
fn a_code_is_taken_from_its_start_to_before_its_end() {
    let reason = |now_ms| reason_at(&keyring(), &token(), Gate { now_ms, ..Gate::default() });
    assert_eq!(reason(CODE.valid_from_ms - 1), "too_early");
    assert_eq!(reason(CODE.valid_from_ms), "taken");
    assert_eq!(reason(CODE.valid_until_ms - 1), "taken");
    assert_eq!(reason(CODE.valid_until_ms), "too_late");
}

#[test]
fn a_gate_may_open_early_and_close_late() {
    let reason =
        |now_ms| reason_at(&keyring(), &token(), Gate { now_ms, early_ms: 900_000, late_ms: 60_000 });
    assert_eq!(reason(CODE.valid_from_ms - 900_001), "too_early");
    assert_eq!(reason(CODE.valid_from_ms - 900_000), "taken");
    assert_eq!(reason(CODE.valid_until_ms + 59_999), "taken");
    assert_eq!(reason(CODE.valid_until_ms + 60_000), "too_late");
    let gate = Gate { now_ms: u64::MAX, early_ms: u64::MAX, late_ms: u64::MAX };
    assert_eq!(reason_at(&keyring(), &token(), gate), "too_late");
}

#[test]
fn revoked_codes_are_those_of_an_older_revision_or_of_a_cancelled_booking() {
    let reason = |json: &str| {
        let keyring = keyring().with_revoked(RevokedList::from_json(json).unwrap());
        // Whatever the time: a revoked code will never be good.
        reason_at(&keyring, &token(), GATE)
    };
    assert_eq!(reason(r#"{"items":[]}"#), "taken");
    assert_eq!(reason(r#"{"items":[{"bookingId":8,"codeRevision":9}]}"#), "taken");
    assert_eq!(reason(r#"{"items":[{"bookingId":7,"codeRevision":2}]}"#), "taken");
    assert_eq!(reason(r#"{"items":[{"bookingId":7,"codeRevision":3}],"next":null}"#), "revoked");
    assert_eq!(reason(r#"{"items":[{"bookingId":7}]}"#), "revoked");
    assert_eq!(reason(r#"{"items":[{"bookingId":7,"codeRevision":null}]}"#), "revoked");
    let twice = r#"{"items":[{"bookingId":7},{"bookingId":7,"codeRevision":1}]}"#;
    assert_eq!(reason(twice), "revoked");
}

#[test]
fn a_list_of_revoked_codes_is_had_whole_or_not_at_all() {
    let first = r#"{"items":[{"bookingId":7,"codeRevision":3}],"next":"7"}"#;
    let last = r#"{"items":[],"next":null}"#;
    assert!(matches!(RevokedList::from_json(first), Err(RevokedError::NotWhole)));
    assert!(RevokedList::from_pages([first, last]).unwrap().contains(&CODE));
    for json in ["", "[]", "{}", r#"{"items":[{"codeRevision":3}]}"#, r#"{"items":[{"bookingId":-7}]}"#] {
        assert!(matches!(RevokedList::from_json(json), Err(RevokedError::Malformed(_))), "{json}");
    }
}
