//! Makes the bookings of a slot ready shortly before it starts.

use crate::bookings::{self, Booking, BookingState};
use crate::context::Context;
use crate::day::{self, ReadyStage, SlotDay};
use crate::due::DueKind;
use crate::event::BookingEvent;
use crate::ids::{BookingId, SlotId};
use crate::outcome::Halt;
use crate::rows::{Key, ReadTyped as _};
use crate::time::Timestamp;

/// Makes some bookings of a slot ready; what is left stays due. The answer is how many were looked at.
pub(crate) fn sweep(context: &mut Context<'_>, id: SlotId) -> Result<usize, Halt> {
    let Some(day) = context.row::<SlotDay>(id) else { return Ok(0) };
    let (since, behind) = match day.ready {
        // Something of an earlier plan was due still.
        ReadyStage::Planned { at } if at > context.now => return Ok(0),
        ReadyStage::Planned { .. } => (context.now, BookingId(0)),
        ReadyStage::Sweeping { since, behind } => (since, behind),
        ReadyStage::Done { .. } => return Ok(0),
    };
    let page = day::page(context, id, behind);
    for (booking_id, booking) in &page {
        if is_to_be_told(booking, since) {
            become_ready(context, *booking_id, booking)?;
        }
    }
    let ready = match page.last() {
        Some((last, _)) if page.len() == day::SWEEP_MAX => {
            context.index(Key::Due(context.now, DueKind::SlotReady, id.0));
            ReadyStage::Sweeping { since, behind: *last }
        }
        Some(_) | None => ReadyStage::Done { since },
    };
    context.put(id, SlotDay { ready, ..*day });
    Ok(page.len())
}

/// Makes a booking ready that was confirmed after its slot was.
pub(crate) fn late(context: &mut Context<'_>, id: BookingId) -> Result<(), Halt> {
    let Some(booking) = context.row::<Booking>(id) else { return Ok(()) };
    // It may have gone to a slot that is not about to start.
    let day = context.row::<SlotDay>(booking.slot);
    match day.and_then(|day| day.ready_since()) {
        Some(_) if booking.state == BookingState::Confirmed => become_ready(context, id, &booking),
        Some(_) | None => Ok(()),
    }
}

/// Whether a sweep makes a booking ready: also one that was before its slot was moved.
fn is_to_be_told(booking: &Booking, sweep_since: Timestamp) -> bool {
    match booking.state {
        BookingState::Confirmed => true,
        BookingState::Ready { since } => since < sweep_since,
        BookingState::Used { .. }
        | BookingState::Cancelled { .. }
        | BookingState::Held { .. }
        | BookingState::Expired { .. }
        | BookingState::Queued { .. }
        | BookingState::Rejected { .. }
        | BookingState::NoShow { .. } => false,
    }
}

fn become_ready(context: &mut Context<'_>, id: BookingId, booking: &Booking) -> Result<(), Halt> {
    let ready = Booking { state: BookingState::Ready { since: context.now }, ..booking.clone() };
    bookings::change(context, id, ready, BookingEvent::Ready)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn bookings_are_ready_shortly_before_their_slot_and_late_ones_at_once() {
        check(
            "
            at 0 adopt
            at 0 olga sets policy resource:1 lead=100
            at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
            at 0 olga opens slot resource=1 from=5000 to=6000 capacity=9
            at 1 tick
            at 1 mia books slot:1
            at 1 tom holds slot:1 for=2000
            at 1 ann books slot:1
            at 1 ann cancels booking:3
            at 899 tick
            at 900 tick
            at 901 tom confirms booking:2
            at 901 mia books slot:1
            at 902 tick
            at 903 mia changes booking:4 slot=2
            at 903 mia changes booking:1 count=2
            at 904 mia books slot:2
            at 904 mia changes booking:5 slot=1
            at 905 tick
            at 906 look slot:1
            at 907 mia cancels booking:5
            ",
            &expect![[r#"
                adopt -> edition 2
                olga sets policy resource:1 lead=100 -> Resource(ResourceId(1)) lead=100
                olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=5000 to=6000 capacity=9 -> slot:2 [slot.opened]
                tick -> ticked 2
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tom holds slot:1 for=2000 -> booking:2 held slot:1 pool:1 user:4 count=1 version=1 until=2001 [booking.held]
                ann books slot:1 -> booking:3 confirmed slot:1 pool:1 user:5 count=1 version=1 [booking.confirmed]
                ann cancels booking:3 -> booking:3 cancelled slot:1 pool:1 user:5 count=1 version=2 [booking.cancelled]
                tick -> ticked 0
                tick -> ticked 1 [booking.ready]
                tom confirms booking:2 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=2 [booking.confirmed]
                mia books slot:1 -> booking:4 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tick -> ticked 2 [booking.ready booking.ready]
                mia changes booking:4 slot=2 -> booking:4 confirmed slot:2 pool:2 user:3 count=1 version=3 [booking.changed]
                mia changes booking:1 count=2 -> booking:1 ready slot:1 pool:1 user:3 count=2 version=3 [booking.changed]
                mia books slot:2 -> booking:5 confirmed slot:2 pool:2 user:3 count=1 version=1 [booking.confirmed]
                mia changes booking:5 slot=1 -> booking:5 confirmed slot:1 pool:1 user:3 count=1 version=2 [booking.changed]
                tick -> ticked 1 [booking.ready]
                look slot:1 -> open 1000..2000 pool:1 available=5 held=0 confirmed=4
                mia cancels booking:5 -> booking:5 cancelled slot:1 pool:1 user:3 count=1 version=4 [booking.cancelled]
            "#]],
        );
    }

    #[test]
    fn when_slots_are_ready_follows_their_window_and_what_is_decided() {
        check(
            "
            at 0 adopt
            at 0 olga opens slot resource=1 from=10000000 to=20000000 capacity=9
            at 0 mia books slot:1
            at 0 olga sets policy resource:1 lead=9000000
            at 1 tick
            at 1000000 tick
            at 1000000 olga opens slot resource=1 from=1000001 to=1000002 capacity=9
            at 1000000 tick
            at 1000000 olga reschedules slot:2 from=90000000 to=90000001
            at 1000000 mia books slot:2
            at 1000001 tick
            ",
            &expect![[r#"
                adopt -> edition 2
                olga opens slot resource=1 from=10000000 to=20000000 capacity=9 -> slot:1 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                olga sets policy resource:1 lead=9000000 -> Resource(ResourceId(1)) lead=9000000
                tick -> ticked 2
                tick -> ticked 1 [booking.ready]
                olga opens slot resource=1 from=1000001 to=1000002 capacity=9 -> slot:2 [slot.opened]
                tick -> ticked 1
                olga reschedules slot:2 from=90000000 to=90000001 -> slot:2 [slot.changed]
                mia books slot:2 -> booking:2 confirmed slot:2 pool:2 user:3 count=1 version=1 [booking.confirmed]
                tick -> ticked 0
            "#]],
        );
    }
}
