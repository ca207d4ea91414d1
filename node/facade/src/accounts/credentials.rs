//! What apps show: `hfa_APP_NUMBER_SECRET`, with a prefix by which scanners find one that leaked, and a checksum by which
//! a mistyped one is known without a look at the state. Only a hash of the secret is ever stored.

use holdfast_reservations::{App, UserId};
use sha2::{Digest as _, Sha256};

/// What every credential begins with.
const PREFIX: &str = "hfa_";

/// The secret itself: nobody guesses so many random bytes, so a fast hash of them is enough.
const SECRET_BYTES: usize = 32;

const CHECKSUM_BYTES: usize = 4;

/// A new secret of an app, before it is known which number it has.
pub(crate) struct Secret([u8; SECRET_BYTES]);

/// What an app showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) app: UserId,
    pub(crate) number: u32,
    hash: [u8; 32],
}

impl Secret {
    pub(crate) fn new() -> Self {
        Self(rand::random())
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// The credential that an app shows from now on.
    pub(crate) fn credential(&self, app: UserId, number: u32) -> String {
        let body = format!("{PREFIX}{}_{number}_{}", app.0, hex(&self.0));
        format!("{body}{}", hex(&checksum(&body)))
    }
}

impl Credential {
    /// Whether a bearer token is meant to be one.
    pub(crate) fn is_meant(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    /// The credential in a bearer token.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let (app, rest) = token.strip_prefix(PREFIX)?.split_once('_')?;
        let (number, secret) = rest.split_once('_')?;
        let (secret, _) = secret.split_at_checked(2 * SECRET_BYTES)?;
        let credential = Self {
            app: UserId(app.parse().ok()?),
            number: number.parse().ok()?,
            hash: Sha256::digest(unhex::<SECRET_BYTES>(secret)?).into(),
        };
        let body = format!("{PREFIX}{}_{}_{secret}", credential.app.0, credential.number);
        (token == format!("{body}{}", hex(&checksum(&body)))).then_some(credential)
    }

    /// Whether it is a secret of the app. Hashes are compared, so the time it takes tells nothing of the secret.
    pub(crate) fn is_of(&self, app: &App) -> bool {
        app.secret(self.number).is_some_and(|known| known.hash == self.hash)
    }
}

fn checksum(body: &str) -> [u8; CHECKSUM_BYTES] {
    let digest: [u8; 32] = Sha256::digest(body).into();
    std::array::from_fn(|position| digest[position])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{AppSecret, Timestamp};

    use super::*;

    fn app_with(number: u32, hash: [u8; 32]) -> App {
        let created_at = Timestamp(0);
        let secrets = vec![AppSecret { number, hash, created_at }];
        App { created_at, created_by: UserId(1), secrets, secrets_made: number }
    }

    #[test]
    fn a_credential_is_known_by_its_hash_alone() {
        let secret = Secret::new();
        let text = secret.credential(UserId(6), 2);
        assert_eq!((text.len(), text.starts_with("hfa_6_2_")), (80, true), "{text}");
        let credential = Credential::parse(&text).unwrap();
        assert_eq!((credential.app, credential.number), (UserId(6), 2));
        assert!(credential.is_of(&app_with(2, secret.hash())));
        assert!(!credential.is_of(&app_with(2, Secret::new().hash())));
        assert!(!credential.is_of(&app_with(3, secret.hash())));
    }

    #[test]
    fn a_slip_is_seen_before_anything_is_looked_up() {
        let text = Secret::new().credential(UserId(6), 2);
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[position] = if bytes[position] == b'3' { b'4' } else { b'3' };
            let slip = String::from_utf8(bytes).unwrap();
            assert_eq!(Credential::parse(&slip), None, "{slip}");
            assert_eq!(Credential::parse(&text[..position]), None);
        }
        for other in
            [format!("{text}0"), text.to_uppercase(), text.replace("hfa_6", "hfa_06"), "é".repeat(40)]
        {
            assert_eq!(Credential::parse(&other), None, "{other}");
        }
        assert!(Credential::is_meant(&text) && !Credential::is_meant("eyJhbGciOiJFZERTQSJ9.e30.AA"));
    }
}
