//! INV-16: the day of a slot.

use super::Check;
use crate::day::SlotDay;
use crate::due::DueKind;
use crate::edition::{Edition, WITH_DAYS};
use crate::feed::Effects;
use crate::ids::SlotId;
use crate::rows::{Key, ReadTyped as _, Row};
use crate::slots::Slot;

impl Check<'_> {
    /// INV-16: what is planned for a slot's day is due exactly until it begins, and no event is kept of an entry
    /// without events.
    pub(super) fn days(&mut self, rows: &[(Key, Row)]) {
        let is_planned = Edition::of(self.rows) >= WITH_DAYS;
        for (key, row) in rows {
            match (key, row) {
                (Key::SlotDay(id), Row::SlotDay(day)) => self.day(*id, day),
                (Key::Effects(..), Row::Effects(effects)) => self.effects(key, effects),
                (Key::Edition | Key::Feed | Key::LateBooking(_) | Key::SlotDay(_), _) => {
                    self.expect(is_planned, || format!("INV-16: {key:?} before its edition"));
                }
                (Key::Due(at, kind @ (DueKind::SlotReady | DueKind::NoShows), subject), _) => {
                    let day = self.rows.row::<SlotDay>(SlotId(*subject));
                    self.expect(day.is_some(), || {
                        format!("INV-16: {kind:?} of {subject} is due at {at} for no day")
                    });
                }
                _ => (),
            }
        }
    }

    fn day(&mut self, id: SlotId, day: &SlotDay) {
        let slot = self.rows.row::<Slot>(id);
        let starts_at = slot.map(|slot| slot.window.starts_at());
        self.expect(starts_at == Some(day.starts_at), || {
            format!("INV-16: the day of {id} is another's: {day:?}")
        });
        for due in day.due(id) {
            let is_due = self.rows.get(&due).is_some();
            self.expect(is_due, || format!("INV-16: {due:?} is planned and not due"));
        }
    }

    fn effects(&mut self, key: &Key, Effects(events): &Effects) {
        let rises = events.is_sorted_by(|(one, _), (next, _)| one < next);
        self.expect(rises && !events.is_empty(), || format!("INV-16: events out of order in {key:?}"));
    }
}
