//! The names of requests: as clients choose them, and as the cluster keeps them.

use holdfast_reservations::RequestKey;

use crate::chance::Chance;
use crate::time::{EPOCH_MS, WorldTime};

/// A key that no other call has: now a name, now a UUID that says when it was made.
pub(super) fn new_key(owner: usize, chance: &mut Chance, time: &WorldTime) -> String {
    let (high, low) = (chance.draw(), chance.draw());
    match chance.percent(30) {
        true => format!("{owner}-{high:016x}"),
        false => {
            let millis = EPOCH_MS + time.now_ms();
            let bits = (millis << 16) | 0x7000 | (high & 0xfff);
            let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
            let (a, b, c) = (bits >> 32, (bits >> 16) & 0xffff, bits & 0xffff);
            format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
        }
    }
}

/// A key as the cluster keeps it.
pub(crate) fn request_key(text: &str) -> RequestKey {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    match u128::from_str_radix(&digits, 16) {
        Ok(number) if text.len() == 36 => RequestKey::Uuid(number.to_be_bytes()),
        Ok(_) | Err(_) => RequestKey::Named(xxhash_rust::xxh3::xxh3_128(text.as_bytes()).to_be_bytes()),
    }
}
