//! What somebody wants to book of an event, as the rules name it.

use holdfast_raft::{Consistency, View};
use holdfast_reservations::{
    Dialect, HoldTerms, Places, PoolId, PoolKind, ReadRows, ReadTyped as _, Reserve, Resource, ResourceId,
    SEATS_PER_BOOKING_MAX, SeatName, Seats, Slot, SlotId, SlotName, Timestamp, answered, list_slots,
};

use super::SLOTS_MAX;
use crate::problem::{Problem, Result};
use crate::service::{Asked, CallContext, Caller, Named, Service};

/// No slot has this id: whatever is to be in it is refused as unknown, in the log like all refusals.
pub(crate) const NO_SLOT: SlotId = SlotId(0);

/// The code of a problem with too many tickets for one booking.
pub(crate) const TOO_MANY_TICKETS: &str = "too_many_tickets";

/// No pool has so many seats.
const NO_SEAT: u32 = u32::MAX;

/// What somebody wants to book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// These tickets, all of one type.
    Tickets(PoolId, Vec<u32>),
    /// So many of a type.
    Quantity(PoolId, u64),
}

/// A type of tickets in the slot that sells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TypeAt {
    slot: SlotId,
    pool: PoolId,
    capacity: u32,
    has_seats: bool,
}

impl Service {
    /// The wish of a caller as the rules name it. Nothing that can be tried is refused.
    pub(crate) async fn reserve_of_event(
        &self,
        who: &Named,
        event: ResourceId,
        wish: &Wish,
        call: &CallContext,
    ) -> Result<Reserve> {
        // A type stays where it is: whoever knows it knows enough.
        if let Some(known) = self.look(|view| type_of_event(view, event, wish.pool()))?
            && !wish.is_too_much(known)
        {
            return Ok(known.reserve(wish));
        }
        let wanted = |view: &View<'_>, was_answered: bool| {
            let is_too_much =
                type_of_event(view, event, wish.pool()).is_some_and(|known| wish.is_too_much(known));
            if is_too_much && !was_answered { Err(too_much()) } else { Ok(reserve_of(view, event, wish)) }
        };
        let (consistency, deadline) = (Consistency::Linearizable, call.deadline);
        let Some(caller) = who.known() else {
            let read = self.read_public(consistency, deadline, |view| wanted(view, false)).await?;
            return Ok(read.value);
        };
        let with = |view: &View<'_>, caller: Caller| {
            wanted(view, answered(view, caller.principal(), call.id).is_some())
        };
        Ok(self.read_as(Asked { caller, consistency, deadline }, with).await?.value)
    }
}

impl Wish {
    fn pool(&self) -> PoolId {
        match self {
            Self::Tickets(pool, _) | Self::Quantity(pool, _) => *pool,
        }
    }

    /// Whether a type has so many tickets, but one booking has not. What no type has is tried, and rejected.
    fn is_too_much(&self, of: TypeAt) -> bool {
        match self {
            Self::Tickets(..) => false,
            Self::Quantity(_, quantity) => {
                of.has_seats
                    && *quantity > SEATS_PER_BOOKING_MAX as u64
                    && *quantity <= u64::from(of.capacity)
            }
        }
    }

    fn places(&self) -> Places {
        match self {
            Self::Tickets(_, numbers) => {
                Places::Seats(numbers.iter().copied().map(SeatName::Number).collect())
            }
            // The seed lets somebody ask for none, and rejects him when his turn comes.
            Self::Quantity(_, 0) => Places::Seats(Vec::new()),
            Self::Quantity(_, quantity) => Places::Count(u32::try_from(*quantity).unwrap_or(u32::MAX)),
        }
    }
}

impl TypeAt {
    fn reserve(self, wish: &Wish) -> Reserve {
        reserve(self.slot, self.pool, wish.places())
    }
}

fn reserve(slot: SlotId, pool: PoolId, places: Places) -> Reserve {
    let hold = Some(HoldTerms { duration: None, dialect: Dialect::S3 });
    Reserve { slot: SlotName::Id(slot), pool: Some(pool), places, hold, user: None }
}

fn too_much() -> Problem {
    Problem::new(400, TOO_MANY_TICKETS, format!("a booking has at most {SEATS_PER_BOOKING_MAX} tickets"))
}

/// A wish as the rules name it. Unknown tickets of a known event are tried in vain, as in the seed; all else that is unknown
/// is refused.
pub(super) fn reserve_of(rows: &impl ReadRows, event: ResourceId, wish: &Wish) -> Reserve {
    if let Some(known) = type_of_event(rows, event, wish.pool()) {
        return known.reserve(wish);
    }
    let first = super::event(rows, event).and_then(|_| {
        let slots = list_slots(rows, event, Timestamp::default(), None, SLOTS_MAX);
        slots.into_iter().find_map(|(id, slot)| Some((id, slot.pools.first()?.id)))
    });
    match (wish, first) {
        (Wish::Tickets(..), Some((slot, pool))) => {
            reserve(slot, pool, Places::Seats(vec![SeatName::Number(NO_SEAT)]))
        }
        (Wish::Tickets(..), None) | (Wish::Quantity(..), _) => reserve(NO_SLOT, wish.pool(), wish.places()),
    }
}

/// A type of tickets, if this event sells it.
fn type_of_event(rows: &impl ReadRows, event: ResourceId, pool: PoolId) -> Option<TypeAt> {
    rows.row::<Resource>(event).filter(|resource| resource.is_event())?;
    let in_slot = |slot: SlotId, row: &Slot| {
        let kind = row.pool(Some(pool)).filter(|_| row.resource == event)?.kind;
        let has_seats = matches!(kind, PoolKind::Seats { .. });
        Some(TypeAt { slot, pool, capacity: kind.capacity(), has_seats })
    };
    if let Some(seats) = rows.row::<Seats>(pool) {
        return in_slot(seats.slot, &*rows.row::<Slot>(seats.slot)?);
    }
    let slots = list_slots(rows, event, Timestamp::default(), None, SLOTS_MAX);
    slots.iter().find_map(|(id, slot)| in_slot(*id, slot))
}
