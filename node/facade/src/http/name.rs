//! How a call is named, so that a retry is recognised: the caller's key, or one made for him, and a hash of what he asks.

use axum::http::HeaderMap;
use holdfast_reservations::{RequestId, RequestKey};
use uuid::{Uuid, Variant};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::problem::{Problem, Result};

const KEY_HEADERS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];
const KEY_BYTES_MAX: usize = 255;

/// A UUID as RFC 9562 writes it.
const UUID_BYTES: usize = 36;

/// How a call is named: the caller's key, or one made for it. Put into the request by what surrounds every call.
#[derive(Clone, Debug)]
pub(crate) struct CallName {
    /// As the caller wrote it, or as we did.
    pub(crate) text: String,
    key: RequestKey,
}

impl CallName {
    /// The name in the headers, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self> {
        let Some(text) = KEY_HEADERS.iter().find_map(|name| headers.get(*name)) else {
            let made = Uuid::new_v4();
            return Ok(Self { text: made.to_string(), key: RequestKey::Made(made.into_bytes()) });
        };
        let is_visible = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let text = text.to_str().ok().filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()));
        let text = text
            .filter(is_visible)
            .ok_or_else(|| Problem::malformed("an idempotency key has 1 to 255 visible ASCII characters"))?;
        Ok(Self { text: text.to_owned(), key: key_of(text) })
    }

    /// The identity of a call with this name and payload.
    pub(crate) fn request_id(&self, payload_hash: u64) -> RequestId {
        RequestId { key: self.key, payload_hash }
    }
}

fn key_of(text: &str) -> RequestKey {
    let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == UUID_BYTES);
    match uuid.filter(has_time) {
        Some(uuid) => RequestKey::Uuid(uuid.into_bytes()),
        None => RequestKey::Named(xxh3_128(text.as_bytes()).to_be_bytes()),
    }
}

/// The key of a call that brings its UUID as bytes: the same as if it had brought it as text.
pub(crate) fn key_of_uuid(bytes: [u8; 16]) -> RequestKey {
    match Uuid::from_bytes(bytes) {
        uuid if has_time(&uuid) => RequestKey::Uuid(bytes),
        uuid => key_of(&uuid.to_string()),
    }
}

/// Only a version 7 UUID of RFC 9562 says when it was made, and is refused when that is too long ago.
fn has_time(uuid: &Uuid) -> bool {
    uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122
}

/// Whose key it is when the caller is known but has no token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyOwner {
    /// Somebody who logs in.
    User(u64),
    /// Somebody who refreshes a session.
    Session(u64),
}

/// The identity of a call that the node makes in its own name for somebody: such calls share one space of keys, so the
/// owner becomes part of the key, and two people may use the same one. The time in it stays.
pub(crate) fn owned_by(owner: KeyOwner, id: RequestId) -> RequestId {
    let hash = |key: [u8; 16]| {
        let (kind, number) = match owner {
            KeyOwner::User(number) => (b"user", number),
            KeyOwner::Session(number) => (b"open", number),
        };
        xxh3_128(&[kind.as_slice(), &number.to_le_bytes(), &key].concat())
    };
    let key = match id.key {
        RequestKey::Made(_) => id.key,
        RequestKey::Named(key) => RequestKey::Named(hash(key).to_be_bytes()),
        RequestKey::Uuid(key) => {
            // Version, variant and time are kept; all that was random is hashed.
            const KEPT: u128 = 0xffff_ffff_ffff_f000_c000_0000_0000_0000;
            let owned = (u128::from_be_bytes(key) & KEPT) | (hash(key) & !KEPT);
            RequestKey::Uuid(owned.to_be_bytes())
        }
    };
    RequestId { key, ..id }
}

/// A key that a node names in its own name for somebody who has none of ours: no caller can choose the same.
pub(crate) fn key_named(kind: &str, name: &str) -> RequestKey {
    RequestKey::Named(xxh3_128(format!("{}:{kind}:{name}", kind.len()).as_bytes()).to_be_bytes())
}

/// A hash of what a call asks for. The same key with another one is another call.
pub(crate) fn payload_hash(method: &str, path: &str, body: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    for part in [method.as_bytes(), path.as_bytes(), body] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V7: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn key(text: &str) -> Result<RequestKey> {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", text.parse().unwrap());
        CallName::of(&headers).map(|name| name.key)
    }

    fn bytes(uuid: &str) -> [u8; 16] {
        Uuid::parse_str(uuid).unwrap().into_bytes()
    }

    #[test]
    fn a_key_is_visible_and_short() {
        assert!(matches!(key("order-17"), Ok(RequestKey::Named(_))));
        assert!(key(&"x".repeat(255)).is_ok());
        for refused in ["", "a b", &"x".repeat(256)] {
            assert_eq!(key(refused).unwrap_err().status, 400, "{refused:?}");
        }
        assert!(matches!(CallName::of(&HeaderMap::new()).unwrap().key, RequestKey::Made(_)));
    }

    #[test]
    fn only_a_uuid_that_says_when_it_was_made_keeps_its_bytes() {
        assert_eq!(key(V7), Ok(RequestKey::Uuid(bytes(V7))));
        let opaque = [
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-474b-bcce-b302099a8057",
            "01890a5d-ac96-774b-3cce-b302099a8057",
            "01890a5d-ac96-774b-fcce-b302099a8057",
        ];
        for text in opaque {
            assert!(matches!(key(text), Ok(RequestKey::Named(_))), "{text}");
        }
    }

    #[test]
    fn a_uuid_is_the_same_key_as_bytes_and_as_text() {
        for text in [V7, "9f3c1fd2-6b0e-4b0f-8c57-2f4b8a1f3e77"] {
            assert_eq!(Ok(key_of_uuid(bytes(text))), key(text), "{text}");
        }
    }

    #[test]
    fn an_owned_key_is_of_its_owner_and_keeps_its_time() {
        let owned = |owner, text: &str| {
            let name = CallName { text: text.to_owned(), key: key_of(text) };
            owned_by(owner, name.request_id(1)).key
        };
        for text in [V7, "order-17"] {
            let mia = owned(KeyOwner::User(3), text);
            assert_eq!(mia, owned(KeyOwner::User(3), text));
            for other in [KeyOwner::User(4), KeyOwner::Session(3)] {
                assert_ne!(mia, owned(other, text), "{text} {other:?}");
            }
            assert_ne!(mia, key_of(text));
        }
        let RequestKey::Uuid(v7) = owned(KeyOwner::User(3), V7) else { panic!("no longer a UUID") };
        assert!(has_time(&Uuid::from_bytes(v7)));
        assert_eq!(v7[..6], bytes(V7)[..6]);
    }

    #[test]
    fn the_payload_is_method_path_and_body() {
        let hash = payload_hash("POST", "/v1/bookings", b"{}");
        assert_eq!(hash, payload_hash("POST", "/v1/bookings", b"{}"));
        assert_ne!(hash, payload_hash("PUT", "/v1/bookings", b"{}"));
        assert_ne!(hash, payload_hash("POST", "/v1/bookings/", b"{}"));
        assert_ne!(hash, payload_hash("POST", "/v1/bookings", b"{ }"));
    }
}
