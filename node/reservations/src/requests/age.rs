//! How old a key is, if it says so.

use super::{GENERATION_DURATION, KEY_AHEAD_MAX, RequestKey};
use crate::time::{Millis, Timestamp};

/// How old a key is that was never seen, or was forgotten.
pub(super) enum Age {
    /// It does not say.
    Unknown,
    /// Its row, had it one, would be there, and will be for as long as it is young.
    Young,
    /// Its row, had it one, may have been dropped.
    Old,
    /// Its row would be dropped while it still looks young.
    ToCome,
}

pub(super) fn age(key: RequestKey, now: Timestamp) -> Age {
    let made_at = match key {
        RequestKey::Uuid(bytes) => uuid_v7_time(bytes),
        RequestKey::Made(_) | RequestKey::Named(_) => None,
    };
    let old = Millis(GENERATION_DURATION.0 - KEY_AHEAD_MAX.0);
    match made_at {
        None => Age::Unknown,
        Some(made_at) if made_at.since(now) > KEY_AHEAD_MAX => Age::ToCome,
        Some(made_at) if now.since(made_at) > old => Age::Old,
        Some(_) => Age::Young,
    }
}

/// The moment in a version 7 UUID (RFC 9562, section 5.7).
fn uuid_v7_time(bytes: [u8; 16]) -> Option<Timestamp> {
    let number = u128::from_be_bytes(bytes);
    let version = (number >> 76) & 0xf;
    let millis = u64::try_from(number >> 80).ok()?;
    let variant = (number >> 62) & 0b11;
    (version == 7 && variant == 0b10).then_some(Timestamp(millis))
}
