//! Decoded rows that are read again and again. Two halves: what is used moves to the young one, and when that is full
//! the old one is dropped whole, which keeps what is hot at next to no cost.

use std::hash::{BuildHasherDefault, Hash};
use std::ops::Range;

use holdfast_reservations::{Key, Row};
use rustc_hash::FxHasher;

type Half = std::collections::HashMap<Key, Option<Row>, BuildHasherDefault<FxHasher>>;

/// The cache of one node's rows. `None` means that there is no such row, which is worth knowing too.
pub(super) struct Cache {
    young: Half,
    old: Half,
    half_max: usize,
}

impl Cache {
    /// A cache for about `rows` rows.
    pub(super) fn of(rows: usize) -> Self {
        Self { young: Half::default(), old: Half::default(), half_max: (rows / 2).max(1) }
    }

    /// What is known of a key.
    pub(super) fn get(&mut self, key: &Key) -> Option<Option<Row>> {
        if let Some(row) = self.young.get(key) {
            return Some(row.clone());
        }
        let (key, row) = self.old.remove_entry(key)?;
        self.keep(key, row.clone());
        Some(row)
    }

    /// Notes what the store has under a key.
    pub(super) fn read(&mut self, key: &Key, row: Option<&Row>) {
        if is_hot(key) {
            self.keep(key.clone(), row.cloned());
        }
    }

    /// Notes what was written under a key.
    pub(super) fn written(&mut self, key: Key, row: Option<Row>) {
        if is_hot(&key) {
            self.old.remove(&key);
            self.keep(key, row);
        }
    }

    /// Forgets a range of keys.
    pub(super) fn forget(&mut self, range: &Range<Key>) {
        self.young.retain(|key, _| !range.contains(key));
        self.old.retain(|key, _| !range.contains(key));
    }

    fn keep(&mut self, key: Key, row: Option<Row>) {
        if self.young.len() >= self.half_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, row);
    }
}

/// Whether rows of this kind are read by many commands. Bookings and requests are written once and read seldom; they
/// would only drive the others out.
fn is_hot(key: &Key) -> bool {
    match key {
        Key::Clock
        | Key::Counters
        | Key::Venue(_)
        | Key::Resource(_)
        | Key::Slot(_)
        | Key::Pool(_)
        | Key::User(_)
        | Key::NodeKey(..)
        | Key::RetiredNodeKey(..)
        | Key::KeyCount(..)
        | Key::App(_)
        // Looked for with every command of an app, though few are there.
        | Key::Ban(_)
        // Looked for with every booking, and mostly not there.
        | Key::Policy(_)
        | Key::UserPlaces(..)
        | Key::Seats(_)
        | Key::SeatBlock(..)
        // Looked for with every event, and mostly not there.
        | Key::Recipient(_)
        | Key::WebhookKinds
        | Key::Backlog(_)
        | Key::DeadLetters
        // Looked for with every entry, or with every booking.
        | Key::Edition
        | Key::Feed
        | Key::SlotDay(_)
        | Key::SlotTally(_)
        // Looked for with every token, and not there.
        | Key::RevokedNodeKey(..)
        | Key::Queue(_) => true,
        Key::ResourceByVenue(..)
        | Key::SlotByWindow(..)
        | Key::Booking(_)
        | Key::BookingByUser(..)
        | Key::BookingBySlot(..)
        | Key::UserByEmail(_)
        | Key::Session(_)
        | Key::SessionByUser(..)
        | Key::Due(..)
        | Key::HoldByPool(..)
        | Key::HoldByUser(..)
        | Key::PaymentByReference(_)
        | Key::SeatTaken(..)
        | Key::Job(_)
        | Key::JobWaiting(..)
        | Key::VenueByName(_)
        | Key::LateBooking(_)
        | Key::Effects(..)
        | Key::DeviceByToken(..)
        | Key::Webhook(_)
        | Key::Outbox(..)
        | Key::DeliveryLog(..)
        | Key::DeadLetterByWebhook(..)
        | Key::DeadLetter(_)
        | Key::Code(_)
        | Key::Admission(_)
        | Key::History(..)
        | Key::Request(..) => false,
    }
}

/// Keys are hashed by their own derived `Hash`; the assertion says so at compile time.
const _: fn() = || {
    fn assert_hash<T: Hash>() {}
    assert_hash::<Key>();
};
