//! Seats, and who has them.

use std::sync::Arc;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    Booking, BookingId, PoolId, ReadTyped as _, Seat, SeatState, Seats, Slot, SlotId, SlotStatus,
    lapsed_holds, seat_owner, seat_states,
};
use tokio::time::Instant;

use crate::problem::{Problem, Result};
use crate::service::{Asked, Service, as_of};

/// The seats of a pool of a slot, at one moment.
pub(crate) struct SeatsOf {
    pub(crate) slot_id: SlotId,
    pub(crate) slot: Arc<Slot>,
    pub(crate) pool: PoolId,
    pub(crate) seats: Arc<Seats>,
    /// Of each seat, in the order of their numbers.
    pub(crate) states: Vec<SeatState>,
}

/// One seat, and who has it.
pub(crate) struct SeatView {
    pub(crate) slot_id: SlotId,
    pub(crate) slot: Arc<Slot>,
    pub(crate) pool: PoolId,
    pub(crate) number: u32,
    pub(crate) label: String,
    /// The live booking that has it.
    pub(crate) booking: Option<(BookingId, Arc<Booking>)>,
}

impl SeatsOf {
    /// How many seats these are.
    pub(crate) fn count(pools: &[Self]) -> usize {
        pools.iter().map(|seats| seats.states.len()).sum()
    }

    /// Each seat, with its state.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Seat<'_>, SeatState)> {
        self.seats.plan.seats().zip(self.states.iter().copied())
    }

    /// The seats of a pool, those of lapsed holds free.
    pub(crate) fn read(view: &View<'_>, pool: PoolId) -> Option<Self> {
        let seats = view.row::<Seats>(pool)?;
        let (slot_id, slot) = (seats.slot, view.row::<Slot>(seats.slot)?);
        let mut states = seat_states(view, pool, seats.plan.count());
        for id in lapsed_holds(view, pool, view.now(), usize::MAX) {
            let Some(booking) = view.row::<Booking>(id) else { continue };
            for seat in &booking.seats {
                if let Some(state) = states.get_mut(seat.number as usize) {
                    *state = SeatState::Available;
                }
            }
        }
        Some(Self { slot_id, slot, pool, seats, states })
    }
}

impl SeatView {
    /// A seat of a pool, by its number.
    pub(crate) fn read(view: &View<'_>, pool: PoolId, number: u32) -> Option<Self> {
        let seats = view.row::<Seats>(pool)?;
        let (slot_id, slot) = (seats.slot, view.row::<Slot>(seats.slot)?);
        if slot.status == SlotStatus::Withdrawn {
            return None;
        }
        let label = seats.plan.seat(number)?.label;
        let booking = seat_owner(view, pool, number).and_then(|id| Some((id, view.row::<Booking>(id)?)));
        let booking = booking.map(|(id, booking)| (id, as_of(view, booking)));
        let booking = booking.filter(|(_, booking)| booking.state.has_places());
        Some(Self { slot_id, slot, pool, number, label, booking })
    }
}

impl Service {
    /// The seats of a slot, pool by pool.
    pub(crate) async fn seats(&self, asked: Asked, slot: SlotId) -> Result<Read<Vec<SeatsOf>>> {
        let with = |view: &View<'_>, _| seats_of(view, slot);
        self.read_as(asked, with).await
    }

    /// Reads something that everybody may see.
    pub(crate) async fn read_public<T>(
        &self,
        consistency: Consistency,
        deadline: Instant,
        with: impl FnOnce(&View<'_>) -> Result<T>,
    ) -> Result<Read<T>> {
        let Read { value, index, age } = self.read(consistency, deadline, with).await?;
        Ok(Read { value: value?, index, age })
    }
}

/// The seats of a slot, pool by pool.
pub(crate) fn seats_of(view: &View<'_>, id: SlotId) -> Result<Vec<SeatsOf>> {
    let slot = view.row::<Slot>(id).ok_or_else(|| Problem::not_found("slot_not_found", id))?;
    Ok(slot.pools.iter().filter_map(|pool| SeatsOf::read(view, pool.id)).collect())
}
