//! The text of a code: golden, the same every time, and small as a QR image.

use ed25519_dalek::SigningKey;
use expect_test::expect;
use fast_qr::{ECL, QRBuilder};
use holdfast_codes::{Code, KeyId, TEXT_LENGTH, cluster_prefix, decode};

use crate::common::{CODE, GATE, keyring, signing_key, token};

#[test]
fn a_code_is_read_as_it_was_written() {
    assert_eq!(keyring().verify(&token(), GATE), Ok(CODE));
    let largest = Code {
        key: KeyId { node: u64::MAX, generation: u32::MAX },
        cluster: u64::MAX,
        venue: u64::MAX,
        booking: u64::MAX,
        slot: u64::MAX,
        party_size: u32::MAX,
        valid_from_ms: u64::MAX,
        valid_until_ms: u64::MAX,
        revision: u32::MAX,
    };
    let key = SigningKey::from_bytes(&[1; 32]);
    let text = largest.sign(&key);
    let read = decode(&text).unwrap();
    assert_eq!((read.key(), *read.claims()), (largest.key, largest));
    assert_eq!(read.verify_with(&key.verifying_key()), Ok(largest));
}

#[test]
fn the_same_code_is_the_same_text() {
    expect!["HF2AIAAAAAAAAAAAAYAAAAACAJDIVTYTK6N54AAAAAAAAAAAAIAAAAAAAAAAADQAAAAAAAAAABKAAAAABAAAAA2GGC4KAAAAAABUMMJGPUAAAAAAARZHCLE6G7TYUBOFTFRNEVUXHHQZF57EHATW234MUFD6WQGOHSKLGV7RID42E2Q3QLNNRXFYOVNXAZ4ZN27CZIEI2OKUQHAYDD3L23AU"].assert_eq(&token());
    assert_eq!(token(), token());
}

#[test]
fn every_field_is_signed() {
    let other = |change: fn(&mut Code)| {
        let mut code = CODE;
        change(&mut code);
        code.sign(&signing_key())
    };
    let texts = [
        token(),
        other(|code| code.key.node = 4),
        other(|code| code.key.generation = 2),
        other(|code| code.cluster = 1),
        other(|code| code.venue = 2),
        other(|code| code.booking = 8),
        other(|code| code.slot = 43),
        other(|code| code.party_size = 5),
        other(|code| code.valid_from_ms += 1),
        other(|code| code.valid_until_ms += 1),
        other(|code| code.revision = 3),
    ];
    let signatures: std::collections::BTreeSet<_> =
        texts.iter().map(|text| decode(text).unwrap().signature().to_bytes()).collect();
    assert_eq!(signatures.len(), texts.len());
}

#[test]
fn a_code_fits_a_path_and_a_qr_image_of_49_modules() {
    let text = token();
    assert_eq!((text.len(), TEXT_LENGTH), (216, 216));
    assert!(text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
    let image = QRBuilder::new(text).ecl(ECL::M).build().unwrap();
    assert_eq!(image.size, 49);
}

#[test]
fn a_cluster_goes_by_the_first_half_of_its_id() {
    assert_eq!(cluster_prefix(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210), 0x0123_4567_89ab_cdef);
}
