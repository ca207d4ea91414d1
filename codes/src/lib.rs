//! Check-in codes: what is drawn as a QR image, signed by a node, and verified by a scanner that has only public keys.
//!
//! Nothing here has a clock, files or a network; `docs/adr/0009-codes-are-fixed-bytes-in-base32.md` says why the bytes
//! are as they are.

mod base32;
mod code;
mod key_id;
mod keyring;
mod keys_json;
mod refusal;
mod revoked;

pub use code::{Code, TEXT_LENGTH, Unverified, cluster_prefix, decode};
pub use key_id::KeyId;
pub use keyring::{Gate, KeyStatus, Keyring};
pub use keys_json::{KEYS_BYTES_MAX, KEYS_MAX, KeysError};
pub use refusal::Refusal;
pub use revoked::{REVOKED_MAX, RevokedError, RevokedList};
