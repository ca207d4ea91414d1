//! Keyrings out of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expect_test::{Expect, expect};
use holdfast_codes::{KEYS_BYTES_MAX, KEYS_MAX, KeyStatus, Keyring, KeysError};

use crate::common::{CLUSTER, CODE, GATE, KEY, signing_key, token};

const CLUSTER_ID: &str = "0123456789abcdef00112233445566ff";

fn jwk(more: &str) -> String {
    let x = URL_SAFE_NO_PAD.encode(signing_key().verifying_key().to_bytes());
    format!(r#"{{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"3-1","x":"{x}"{more}}}"#)
}

fn set(keys: &str) -> String {
    format!(r#"{{"cluster":"{CLUSTER_ID}","keys":[{keys}]}}"#)
}

fn check_error(json: &str, expected: Expect) {
    let refused = Keyring::from_json(json).err().map(|error| error.to_string());
    expected.assert_eq(&refused.unwrap_or_default());
}

#[test]
fn a_keyring_comes_from_the_answer_of_a_node() {
    let keyring = Keyring::from_json(&set(&jwk(""))).unwrap();
    assert_eq!((keyring.cluster(), keyring.status(KEY)), (CLUSTER, Some(KeyStatus::Valid)));
    assert_eq!(keyring.verify(&token(), GATE), Ok(CODE));
}

#[test]
fn a_key_may_have_a_status() {
    let status = |more: &str| Keyring::from_json(&set(&jwk(more))).unwrap().status(KEY).unwrap();
    assert_eq!(status(r#","status":"valid""#), KeyStatus::Valid);
    assert_eq!(status(r#","status":"retired""#), KeyStatus::Retired);
    assert_eq!(status(r#","status":"revoked""#), KeyStatus::Revoked { at_ms: None });
    let at_ms = Some(1_800_000_000_000);
    assert_eq!(
        status(r#","status":"revoked","revokedAt":"2027-01-15T08:00:00Z""#),
        KeyStatus::Revoked { at_ms }
    );
}

#[test]
fn keys_of_other_kinds_are_passed_over() {
    let other = r#"{"kty":"EC","crv":"P-256","kid":"x","x":"?"}"#;
    assert!(Keyring::from_json(&set(&format!("{other},{}", jwk("")))).is_ok());
    assert!(matches!(Keyring::from_json(&set(other)), Err(KeysError::NoKeys)));
}

#[test]
fn what_is_not_understood_gives_no_keyring() {
    let damaged = |from: &str, to: &str| set(&jwk("").replace(from, to));
    check_error(&set(&jwk(r#","status":"paused""#)), expect![[r#"key "3-1": its status is not known here"#]]);
    check_error(
        &set(&jwk(r#","revokedAt":"2027-01-15T08:00:00Z""#)),
        expect![[r#"key "3-1": it has revokedAt and is not revoked"#]],
    );
    check_error(
        &set(&jwk(r#","status":"revoked","revokedAt":"soon""#)),
        expect![[r#"key "3-1": its revokedAt is not an instant"#]],
    );
    check_error(&damaged("3-1", "03-1"), expect![[r#"key "03-1": its kid is not NODE-GENERATION"#]]);
    check_error(&damaged(r#""x":""#, r#""x":"A"#), expect![[r#"key "3-1": its x has not 32 bytes"#]]);
    check_error(&set(&format!("{},{}", jwk(""), jwk(""))), expect![[r#"key "3-1": it is listed twice"#]]);
    check_error(
        &set(&jwk("")).replace("ff\"", "f\""),
        expect!["it does not say of which cluster the keys are"],
    );
    check_error(&set(""), expect!["there is no Ed25519 key in it"]);
    check_error(
        r#"{"keys":[]}"#,
        expect!["not an answer of GET /v1/keys: missing field `cluster` at line 1 column 11"],
    );
}

#[test]
fn a_weak_key_is_not_taken() {
    let neutral = URL_SAFE_NO_PAD.encode([[1].as_slice(), &[0; 31]].concat());
    let json = set(&format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"3-1","x":"{neutral}"}}"#));
    check_error(&json, expect![[r#"key "3-1": it is a weak key"#]]);
}

#[test]
fn an_answer_has_a_limit() {
    let many = vec![jwk(""); KEYS_MAX + 1].join(",");
    assert!(matches!(Keyring::from_json(&set(&many)), Err(KeysError::TooMany)));
    let long = " ".repeat(KEYS_BYTES_MAX + 1);
    assert!(matches!(Keyring::from_json(&long), Err(KeysError::TooMany)));
}
