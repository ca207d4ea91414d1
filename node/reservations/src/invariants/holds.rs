//! Deadlines of holds, what is counted by user, and references of payments.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, bookings};
use crate::places;
use crate::policies::UserPlaces;
use crate::policies::limits;
use crate::rows::{Key, ReadTyped as _, Row};
use crate::slots::Slot;

impl Check<'_> {
    /// INV-13: a hold is due at its deadline, and found by its pool and its user; nothing else is.
    pub(super) fn holds(&mut self, rows: &[(Key, Row)]) {
        let mut expected = BTreeSet::new();
        for (id, booking) in bookings(rows) {
            let Some(slot) = self.rows.row::<Slot>(booking.slot) else { continue };
            expected.extend(places::deadline_keys(id, booking, slot.resource));
        }
        let is_deadline = |key: &&Key| {
            matches!(
                key,
                Key::Due(_, crate::due::DueKind::HoldExpires, _) | Key::HoldByPool(..) | Key::HoldByUser(..)
            )
        };
        let found: BTreeSet<Key> = rows.iter().map(|(key, _)| key).filter(is_deadline).cloned().collect();
        for missing in expected.difference(&found) {
            self.broken.push(format!("INV-13: a hold is not found: {missing:?}"));
        }
        for stray in found.difference(&expected) {
            self.broken.push(format!("INV-13: no hold is due: {stray:?}"));
        }
    }

    /// INV-14: where a user's places are counted, the count is what his bookings say.
    pub(super) fn user_places(&mut self, rows: &[(Key, Row)]) {
        for (key, row) in rows {
            let (Key::UserPlaces(user, resource), Row::UserPlaces(UserPlaces(counted))) = (key, row) else {
                continue;
            };
            let has = limits::places_of(self.rows, *user, *resource);
            self.expect(*counted == has, || {
                format!("INV-14: {user} has {has} places of {resource}, counted are {counted}")
            });
        }
    }

    /// INV-5: a payment's reference finds its booking, and nothing else does.
    pub(super) fn payments(&mut self, rows: &[(Key, Row)]) {
        let mut expected = BTreeMap::new();
        for (id, booking) in bookings(rows) {
            let Some(payment) = &booking.payment else { continue };
            let before = expected.insert(payment.reference.clone(), id);
            self.expect(before.is_none(), || {
                format!("INV-5: {} is the payment of {before:?} and of {id}", payment.reference)
            });
        }
        for (key, row) in rows {
            let (Key::PaymentByReference(reference), Row::PaymentByReference(booking)) = (key, row) else {
                continue;
            };
            let owner = expected.remove(reference);
            self.expect(owner == Some(*booking), || {
                format!("INV-5: payment {reference} is noted as {booking}'s, it is {owner:?}'s")
            });
        }
        self.expect(expected.is_empty(), || format!("INV-5: payments that are not found: {expected:?}"));
    }
}
