//! Moves the deadline of a hold.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::event::BookingEvent;
use crate::holds;
use crate::ids::BookingId;
use crate::outcome::{Halt, MissingRow, Outcome};
use crate::places;
use crate::policies::{Chain, Dialect};
use crate::slots::Slot;
use crate::time::Millis;

/// Moves the deadline of a hold to a time from now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extend {
    /// Which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
    /// How long from now; as long as a new hold if not said.
    pub duration: Option<Millis>,
    /// Whose words the caller speaks.
    pub dialect: Dialect,
}

impl Extend {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let booking = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        holds::expect_held(&booking, context.now)?;
        let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;

        let chain = Chain::of_pool(context, booking.pool, booking.slot, &slot);
        let duration = self.duration.unwrap_or_else(|| chain.hold_duration(context, self.dialect));
        let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
        bookings::expect_bookable(context, booking.slot, &slot)?;
        let state = BookingState::Held { expires_at: context.now.plus(duration), duration };
        let extended = Booking { state, ..(*booking).clone() };
        places::forget_deadline(context, self.booking, &booking, slot.resource);
        places::note_deadline(context, self.booking, &extended, slot.resource);
        let extended = bookings::change(context, self.booking, extended, BookingEvent::Changed)?;
        Ok(Outcome::Booking(self.booking, extended))
    }
}
