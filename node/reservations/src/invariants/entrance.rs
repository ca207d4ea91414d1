//! INV-18: who came in, with which code, and what bookings remember.

use std::collections::BTreeMap;

use super::Check;
use crate::bookings::{Admission, Booking, BookingState, HistoryEntry};
use crate::codes::IssuedCode;
use crate::due::DueKind;
use crate::ids::BookingId;
use crate::node_keys::{CodeSweep, NodeKey, NodeKeyId, RevokedNodeKey};
use crate::rows::{Key, Order, ReadTyped as _, Row};
use crate::time::{Millis, Timestamp};

impl Check<'_> {
    /// INV-18: the admission of a used booking is how it was used; a code that counts has no key that is revoked and was seen to, and a
    /// key that was not is due; what a booking remembers has no gaps up to what it is.
    pub(super) fn entrance(&mut self, rows: &[(Key, Row)]) {
        let mut remembered: BTreeMap<BookingId, Vec<u32>> = BTreeMap::new();
        for (key, row) in rows {
            match (key, row) {
                (Key::Admission(id), Row::Admission(admission)) => self.admission(*id, admission),
                (Key::Code(id), Row::Code(code)) => self.code(*id, code),
                (Key::RevokedNodeKey(node, generation), Row::RevokedNodeKey(revoked)) => {
                    self.revoked_key(NodeKeyId { node: *node, generation: *generation }, revoked);
                }
                (Key::History(id, version), Row::History(entry)) => {
                    remembered.entry(*id).or_default().push(*version);
                    self.remembered(*id, *version, entry);
                }
                _ => (),
            }
        }
        for (id, versions) in remembered {
            let last = self.rows.row::<Booking>(id).map(|booking| booking.version);
            let is_whole = versions.is_sorted_by(|one, next| one.checked_add(1) == Some(*next));
            self.expect(is_whole && versions.last() == last.as_ref(), || {
                format!("INV-18: {id} is at version {last:?} and remembers {versions:?}")
            });
        }
    }

    fn admission(&mut self, id: BookingId, admission: &Admission) {
        let booking = self.rows.row::<Booking>(id);
        // One that was taken back stays.
        let is_right = booking.is_some_and(|booking| {
            let is_used = matches!(booking.state, BookingState::Used { .. });
            admission.at <= self.now && (!is_used || admission.is_of(&booking))
        });
        self.expect(is_right, || format!("INV-18: {id} was not admitted so: {admission:?}"));
    }

    fn code(&mut self, id: BookingId, code: &IssuedCode) {
        let is_somebodys = self.rows.row::<Booking>(id).is_some() && code.issued_at <= self.now;
        self.expect(is_somebodys && code.revision > 0, || format!("INV-18: {id} cannot have {code:?}"));
        for signer in &code.signers {
            let revoked = self.rows.row::<RevokedNodeKey>(*signer);
            let is_seen_to = revoked.is_some_and(|revoked| revoked.sweep == CodeSweep::Done);
            self.expect(!is_seen_to, || format!("INV-18: {id} has a code of {signer}, which is revoked"));
        }
    }

    fn revoked_key(&mut self, id: NodeKeyId, revoked: &RevokedNodeKey) {
        let is_known = self.rows.row::<NodeKey>((id.node, id.generation)).is_some();
        self.expect(is_known && revoked.revoked_at <= self.now, || {
            format!("INV-18: {id} cannot be revoked so: {revoked:?}")
        });
        // Two keys of a node that are revoked at different moments are seen to in the order of these.
        let first = DueKind::SlotStarts;
        let due = Key::Due(Timestamp(0), first, 0)..Key::Due(self.now.plus(Millis(1)), first, 0);
        let due = self.rows.scan(due, Order::Ascending, usize::MAX);
        let is_due = due
            .iter()
            .any(|(key, _)| matches!(key, Key::Due(_, DueKind::NodeKeyRevoked, node) if *node == id.node));
        self.expect(is_due || revoked.sweep == CodeSweep::Done, || {
            format!("INV-18: {id} is revoked, and nothing of that is due")
        });
    }

    fn remembered(&mut self, id: BookingId, version: u32, entry: &HistoryEntry) {
        let booking = self.rows.row::<Booking>(id);
        let is_last = booking.as_ref().is_some_and(|booking| booking.version == version);
        let is_right = !is_last || booking.is_some_and(|booking| booking.revision == entry.revision);
        self.expect(is_right && entry.at <= self.now, || {
            format!("INV-18: {id} was not what it remembers of version {version}: {entry:?}")
        });
    }
}
