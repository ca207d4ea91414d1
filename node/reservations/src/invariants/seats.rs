//! Who has which seat, told three times: by the bookings, by the seats, and by the map.

use std::collections::BTreeMap;

use super::{Check, bookings};
use crate::bookings::BookingState;
use crate::pools::PoolCounts;
use crate::rows::{Key, ReadTyped as _, Row};
use crate::seats::map::SeatMap;
use crate::seats::{SeatState, Seats};
use crate::slots::{PoolKind, Slot};

impl Check<'_> {
    /// INV-3: a seat is at most one live booking's, and the rows agree on whose and how. INV-5: pools of seats have a
    /// plan.
    pub(super) fn seats(&mut self, rows: &[(Key, Row)]) {
        let mut taken = BTreeMap::new();
        for (id, booking) in bookings(rows).filter(|(_, booking)| booking.state.has_places()) {
            let is_held = matches!(booking.state, BookingState::Held { .. });
            let state = if is_held { SeatState::Held } else { SeatState::Sold };
            let has_seats = self.rows.row::<Seats>(booking.pool).is_some();
            let expected = if has_seats { booking.count as usize } else { 0 };
            self.expect(booking.seats.len() == expected, || {
                format!("INV-3: {id} has {} places and {} seats", booking.count, booking.seats.len())
            });
            for seat in &booking.seats {
                let before = taken.insert((booking.pool, seat.number), (id, state));
                self.expect(before.is_none(), || {
                    format!("INV-3: seat {} of {} is {before:?}'s and {id}'s", seat.label, booking.pool)
                });
            }
        }
        for (key, row) in rows {
            let (Key::SeatTaken(pool, seat), Row::SeatTaken(booking)) = (key, row) else { continue };
            let owner = taken.get(&(*pool, *seat)).map(|(id, _)| *id);
            self.expect(owner == Some(*booking), || {
                format!("INV-3: seat {seat} of {pool} is noted as {booking}'s, it is {owner:?}'s")
            });
        }
        for (key, row) in rows {
            match (key, row) {
                (Key::Seats(pool), Row::Seats(seats)) => {
                    self.seat_map(*pool, seats, &mut taken);
                }
                (Key::Slot(id), Row::Slot(slot)) => {
                    for pool in &slot.pools {
                        let has_plan = self.rows.row::<Seats>(pool.id).is_some();
                        let is_seats = matches!(pool.kind, PoolKind::Seats { .. });
                        self.expect(has_plan == is_seats, || {
                            format!("INV-5: {} of {id} has a plan: {has_plan}", pool.id)
                        });
                    }
                }
                _ => (),
            }
        }
        self.expect(taken.is_empty(), || format!("INV-3: seats that are not there: {taken:?}"));
    }

    fn seat_map(
        &mut self,
        pool: crate::ids::PoolId,
        seats: &Seats,
        taken: &mut BTreeMap<(crate::ids::PoolId, u32), (crate::ids::BookingId, SeatState)>,
    ) {
        let mut map = SeatMap::of(self.rows, pool);
        let mut broken = Vec::new();
        for seat in 0..seats.plan.count() {
            let (owner, expected) = match taken.remove(&(pool, seat)) {
                Some((id, state)) => (Some(id), state),
                None => (None, SeatState::Available),
            };
            let noted = crate::seats::map::owner(self.rows, pool, seat);
            let state = map.state(seat);
            if (noted, state) != (owner, expected) {
                broken.push(format!(
                    "INV-3: seat {seat} of {pool} is {state:?} and {noted:?}'s, not {expected:?} and {owner:?}'s"
                ));
            }
        }
        self.broken.append(&mut broken);
        let slot = self.rows.row::<Slot>(seats.slot);
        let is_sold = slot.is_some_and(|slot| slot.pool(Some(pool)).is_some());
        self.expect(is_sold, || format!("INV-5: {} does not sell the seats of {pool}", seats.slot));
        let capacity = self.rows.row::<PoolCounts>(pool).map(|counts| counts.capacity);
        self.expect(capacity == Some(seats.plan.count()), || {
            format!("INV-2: {pool} has {} seats and a capacity of {capacity:?}", seats.plan.count())
        });
    }
}
