//! Makes a hold a booking, whole or in part.

use serde::{Deserialize, Serialize};

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::day;
use crate::event::BookingEvent;
use crate::holds::{self, expire};
use crate::ids::BookingId;
use crate::outcome::{Contradiction, Halt, MissingRow, Outcome, Rejection};
use crate::payments::{self, Paid, late};
use crate::places;
use crate::seats::BookedSeat;
use crate::slots::Slot;

/// Makes a hold a booking: all of it, or a part of its places. The rest is free at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// Which.
    pub booking: BookingId,
    /// Only if this is still its version.
    pub expected_version: Option<u32>,
    /// Which of its places, if not all.
    pub part: Option<Part>,
    /// How it was paid, if it was.
    pub paid: Option<Paid>,
}

/// A part of a booking's places. The order is a stored format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// So many, the first if they are seats; at least one.
    Count(u32),
    /// These seats, by what is written on them; at least one.
    Seats(Vec<String>),
}

impl Confirm {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        let booking = bookings::find(context, actor, self.booking)?;
        bookings::expect_version(&booking, self.expected_version, context.now)?;
        let is_settled = self.paid.as_ref().is_some_and(|paid| payments::is_settled_by(&booking, paid));
        if is_settled && (booking.state.is_expected() || matches!(booking.state, BookingState::Used { .. })) {
            // It was paid so before: by a provider who tells us twice, or before this caller asked.
            return Ok(Outcome::Booking(self.booking, (*booking).clone()));
        }
        let is_late = self.paid.is_some() && late::may_still_be_paid(context, &booking);
        let booking = if is_late {
            expire::end_if_lapsed(context, self.booking, booking)?
        } else {
            holds::expect_held(&booking, context.now)?;
            booking
        };
        let slot = context.expect_row::<Slot>(booking.slot, MissingRow::Slot(booking.slot))?;
        bookings::expect_bookable(context, booking.slot, &slot)?;
        let kept = kept(&booking, self.part.as_ref())?;
        if kept.count == 0 {
            return Err(Rejection::NothingAsked.into());
        }
        let payment = match &self.paid {
            Some(paid) => Some(payments::settled(context, self.booking, &booking, paid)?),
            None => booking.payment.clone(),
        };

        let confirmed = if is_late {
            late::take_again(context, self.booking, &booking, &kept)?;
            kept.of(&booking)
        } else {
            places::confirm(context, self.booking, &booking, &kept)?;
            kept.of(&booking)
        };
        if let Some(payment) = &payment {
            payments::note_reference(context, self.booking, payment);
        }
        let confirmed = Booking { payment, ..confirmed };
        let confirmed = bookings::change(context, self.booking, confirmed, BookingEvent::Confirmed)?;
        day::confirmed(context, self.booking, &confirmed)?;
        Ok(Outcome::Booking(self.booking, confirmed))
    }
}

/// The places of a booking that stay: how many, and which seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) count: u32,
    pub(crate) seats: Vec<BookedSeat>,
}

impl Kept {
    /// All places of a booking.
    pub(crate) fn all(booking: &Booking) -> Self {
        Self { count: booking.count, seats: booking.seats.clone() }
    }

    /// The booking with these places, confirmed.
    pub(crate) fn of(&self, booking: &Booking) -> Booking {
        let (count, seats) = (self.count, self.seats.clone());
        Booking { state: BookingState::Confirmed, count, seats, ..booking.clone() }
    }
}

/// All places of a booking, or a part of them.
fn kept(booking: &Booking, part: Option<&Part>) -> Result<Kept, Halt> {
    let seats = match part {
        None => return Ok(Kept::all(booking)),
        Some(Part::Count(count)) if *count > booking.count => {
            return Err(Rejection::NotSoMany { has: booking.count }.into());
        }
        Some(Part::Count(count)) => {
            let seats = booking.seats.iter().take(*count as usize).cloned().collect();
            return Ok(Kept { count: *count, seats });
        }
        Some(Part::Seats(labels)) => labels,
    };
    let find = |label: &String| {
        let found = booking.seats.iter().find(|seat| seat.label == *label).cloned();
        found.ok_or_else(|| Rejection::SeatNotFound(crate::seats::SeatName::Label(label.clone())))
    };
    let mut seats = seats.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    seats.sort_unstable();
    seats.dedup();
    let count = u32::try_from(seats.len()).map_err(|_| Contradiction::Overflow)?;
    Ok(Kept { count, seats })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_hold_is_confirmed_whole_or_in_part() {
        check(
            "
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 0 mia holds slot:1 count=4
            at 0 look slot:1
            at 0 mia confirms booking:1 count=5
            at 0 tom confirms booking:1
            at 0 mia confirms booking:1 count=3
            at 0 look slot:1
            at 0 mia confirms booking:1
            at 0 mia holds slot:1 count=2
            at 0 mia confirms booking:2 version=1
            at 0 mia cancels booking:2
            at 0 look slot:1
            at 1999 mia holds slot:1
            at 2000 mia confirms booking:3
            ",
            &expect![[r#"
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                mia holds slot:1 count=4 -> booking:1 held slot:1 pool:1 user:3 count=4 version=1 until=600000 [booking.held]
                look slot:1 -> open 1000..2000 pool:1 available=5 held=4 confirmed=0
                mia confirms booking:1 count=5 -> not_so_many has=4
                tom confirms booking:1 -> booking_not_found booking:1
                mia confirms booking:1 count=3 -> booking:1 confirmed slot:1 pool:1 user:3 count=3 version=2 [booking.confirmed]
                look slot:1 -> open 1000..2000 pool:1 available=6 held=0 confirmed=3
                mia confirms booking:1 -> not_held
                mia holds slot:1 count=2 -> booking:2 held slot:1 pool:1 user:3 count=2 version=1 until=600000 [booking.held]
                mia confirms booking:2 version=1 -> booking:2 confirmed slot:1 pool:1 user:3 count=2 version=2 [booking.confirmed]
                mia cancels booking:2 -> booking:2 cancelled slot:1 pool:1 user:3 count=2 version=3 [booking.cancelled]
                look slot:1 -> open 1000..2000 pool:1 available=6 held=0 confirmed=3
                mia holds slot:1 -> booking:3 held slot:1 pool:1 user:3 count=1 version=1 until=601999 [booking.held]
                mia confirms booking:3 -> too_late ended_at=2000
            "#]],
        );
    }

    #[test]
    fn a_part_of_seats_is_named_by_their_labels() {
        check(
            "
            at 0 olga opens seats resource=1 from=1000 to=2000 seats=A-1,A-2,A-3
            at 0 mia holds slot:1 seats=A-3,A-1,A-2
            at 0 mia confirms booking:1 seats=A-4
            at 0 mia confirms booking:1 seats=A-3,A-1
            at 0 tom books slot:1 seats=A-3
            at 0 tom books slot:1 seats=A-2
            at 0 look slot:1
            ",
            &expect![[r#"
                olga opens seats resource=1 from=1000 to=2000 seats=A-1,A-2,A-3 -> slot:1 [slot.opened]
                mia holds slot:1 seats=A-3,A-1,A-2 -> booking:1 held slot:1 pool:1 user:3 count=3 version=1 seats=A-1,A-2,A-3 until=600000 [booking.held]
                mia confirms booking:1 seats=A-4 -> seat_not_found A-4
                mia confirms booking:1 seats=A-3,A-1 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=2 seats=A-1,A-3 [booking.confirmed]
                tom books slot:1 seats=A-3 -> seat_taken A-3 sold
                tom books slot:1 seats=A-2 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 seats=A-2 [booking.confirmed]
                look slot:1 -> open 1000..2000 pool:1 available=0 held=0 confirmed=3
            "#]],
        );
    }
}
