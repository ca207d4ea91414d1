//! A million altered codes, none of which is taken; and verifiers that check less, of which each takes some.

use std::thread;

use ed25519_dalek::SigningKey;
use holdfast_codes::{Code, Keyring, decode};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::common::{CODE, GATE, KEY, keyring, signing_key, token};

const MUTANTS: u64 = 1_000_000;
const THREADS: u64 = 2;

/// So many are enough for each broken verifier.
const MUTANTS_FOR_BROKEN: u64 = 20_000;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Codes that are taken, to be altered and mixed.
struct Originals(Vec<String>);

impl Originals {
    fn new() -> Self {
        let other = Code { booking: 8, party_size: 1, ..CODE };
        let foreign = SigningKey::from_bytes(&[8; 32]);
        // The last one is signed by a stranger, so that its parts are at hand.
        Self(vec![token(), other.sign(&signing_key()), Code { party_size: 9, ..CODE }.sign(&foreign)])
    }

    /// An altered code; never one that a node has signed.
    fn mutant(&self, random: &mut SmallRng) -> String {
        loop {
            let original = &self.0[random.random_range(0..2)];
            let mut text = original.clone().into_bytes();
            for _ in 0..random.random_range(1..=3) {
                self.alter(&mut text, random);
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            if !self.0[..2].contains(&text) {
                return text;
            }
        }
    }

    fn alter(&self, text: &mut Vec<u8>, random: &mut SmallRng) {
        let at = random.random_range(0..text.len().max(1)).min(text.len().saturating_sub(1));
        if text.len() < 2 {
            return text.push(b'H');
        }
        let letter = ALPHABET[random.random_range(0..ALPHABET.len())];
        match random.random_range(0..13) {
            0 => flip_bit(text, random),
            1 => text[at] = letter,
            2 => text[at] = random.random_range(0..=127),
            3 => text[at] ^= 1 << random.random_range(0..8),
            4 => text.insert(at, letter),
            5 => drop(text.remove(at)),
            6 => text.truncate(at),
            7 => {
                let other = random.random_range(0..text.len());
                text.swap(at, other);
            }
            8 => text[at] = text[at].to_ascii_lowercase(),
            9 => {
                text.remove(at);
                text.push(letter);
            }
            // The spare bit.
            10 => {
                if let Some(last) = text.last_mut() {
                    *last = last.wrapping_add(1);
                }
            }
            11 => text.push(letter),
            // The head of one code, and the rest of another.
            _ => {
                let other = self.0[random.random_range(0..self.0.len())].as_bytes();
                text.truncate(at);
                text.extend(other.iter().skip(at));
            }
        }
    }
}

/// Flips one bit of the bytes behind the text.
fn flip_bit(text: &mut [u8], random: &mut SmallRng) {
    let at = random.random_range(0..text.len());
    let value = ALPHABET.iter().position(|letter| *letter == text[at]);
    if let Some(value) = value {
        text[at] = ALPHABET[value ^ (1 << random.random_range(0..5))];
    }
}

fn is_taken(keyring: &Keyring, text: &str) -> bool {
    keyring.verify(text, GATE).is_ok()
}

/// How many mutants of a seed a verifier takes, and for how many the signature decides.
fn count(seed: u64, mutants: u64, takes: impl Fn(&str) -> bool) -> (u64, u64) {
    let originals = Originals::new();
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut taken, mut readable) = (0, 0);
    for _ in 0..mutants {
        let mutant = originals.mutant(&mut random);
        readable += u64::from(decode(&mutant).is_ok_and(|read| read.key() == KEY));
        taken += u64::from(takes(&mutant));
    }
    (taken, readable)
}

#[test]
fn none_of_a_million_altered_codes_is_taken() {
    let part = |seed| {
        move || {
            let keyring = keyring();
            count(seed, MUTANTS / THREADS, |text| is_taken(&keyring, text))
        }
    };
    let threads: Vec<_> = (0..THREADS).map(|seed| thread::spawn(part(seed))).collect();
    let counts: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(counts.iter().map(|(taken, _)| taken).sum::<u64>(), 0);
    let readable: u64 = counts.iter().map(|(_, readable)| readable).sum();
    assert!(readable > MUTANTS / 20, "the signature decided on {readable} alone");
}

#[test]
fn a_verifier_that_skips_the_signature_is_noticed() {
    let takes = |text: &str| decode(text).is_ok_and(|read| read.key() == KEY);
    assert!(count(0, MUTANTS_FOR_BROKEN, takes).0 > 0);
}

#[test]
fn a_verifier_that_does_not_sign_the_party_size_is_noticed() {
    let key = signing_key();
    let takes = |text: &str| {
        let signed_without_size = |read: holdfast_codes::Unverified| {
            let code = Code { party_size: CODE.party_size, ..*read.claims() };
            decode(&code.sign(&key)).is_ok_and(|right| right.signature() == read.signature())
        };
        decode(text).is_ok_and(signed_without_size)
    };
    assert!(count(0, MUTANTS_FOR_BROKEN, takes).0 > 0);
}

#[test]
fn a_verifier_that_forgives_small_letters_is_noticed() {
    let keyring = keyring();
    assert!(count(0, MUTANTS_FOR_BROKEN, |text| is_taken(&keyring, &text.to_ascii_uppercase())).0 > 0);
}

#[test]
fn a_verifier_that_forgives_spare_bits_is_noticed() {
    let keyring = keyring();
    let forgives = |text: &str| {
        let mut text = text.to_owned();
        let last =
            text.pop().map(|last| match ALPHABET.iter().position(|letter| char::from(*letter) == last) {
                Some(value) => char::from(ALPHABET[value & !1]),
                None => last,
            });
        text.extend(last);
        is_taken(&keyring, &text)
    };
    assert!(count(0, MUTANTS_FOR_BROKEN, forgives).0 > 0);
}

#[test]
fn a_verifier_that_forgives_what_follows_is_noticed() {
    let keyring = keyring();
    let forgives = |text: &str| is_taken(&keyring, text.get(..216).unwrap_or(text));
    assert!(count(0, MUTANTS_FOR_BROKEN, forgives).0 > 0);
}
