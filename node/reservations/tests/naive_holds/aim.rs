//! Aims random commands at what is there, or most of them would speak of nothing.

use std::sync::Arc;

use holdfast_reservations::*;

use crate::stage::Stage;
use crate::steps::{Aim, Step};

impl Step {
    /// Who asks for what at a moment: ids of bookings count from the newest, versions from its own, moments from now,
    /// and a payment is that of a booking near.
    pub fn aimed(&self, stage: &Stage, at: u64) -> (u64, Command) {
        let (mut who, mut command) = (self.who, self.command.clone());
        let bookings = stage.bookings();
        let aims = self.aim == Aim::Well;
        match &mut command {
            Command::Enqueue(Enqueue { command, not_before, .. }) => {
                *not_before = not_before.map(|after| Timestamp(at + after.0));
                if let JobCommand::Confirm(confirm) = command {
                    aim_confirm(confirm, &bookings, aims.then_some(&mut who));
                }
            }
            Command::SettlePayment(settle) if aims => {
                let payments: Vec<&Payment> =
                    bookings.iter().rev().filter_map(|(_, booking)| booking.payment.as_ref()).collect();
                let nth: usize = settle.reference.trim_start_matches('p').parse().unwrap();
                if let Some(payment) = payments.get(nth % payments.len().max(1)) {
                    settle.reference.clone_from(&payment.reference);
                }
            }
            Command::Confirm(confirm) => aim_confirm(confirm, &bookings, aims.then_some(&mut who)),
            Command::Exchange(exchange) => {
                let (id, version) = (&mut exchange.booking, &mut exchange.expected_version);
                let booking = aim(id, version, &bookings, aims.then_some(&mut who));
                if let (Some(booking), true) = (booking, aims) {
                    exchange.seats = overlapping(&exchange.seats, &booking);
                }
            }
            other => {
                if let Some((id, version)) = named(other) {
                    aim(id, version, &bookings, aims.then_some(&mut who));
                }
            }
        }
        (who, command)
    }
}

type Bookings = [(BookingId, Arc<Booking>)];

/// The booking that a command names, and the version it expects.
fn named(command: &mut Command) -> Option<(&mut BookingId, &mut Option<u32>)> {
    match command {
        Command::Extend(extend) => Some((&mut extend.booking, &mut extend.expected_version)),
        Command::Void(void) => Some((&mut void.booking, &mut void.expected_version)),
        Command::Cancel(cancel) => Some((&mut cancel.booking, &mut cancel.expected_version)),
        Command::Modify(modify) => Some((&mut modify.booking, &mut modify.expected_version)),
        Command::StartPayment(start) => Some((&mut start.booking, &mut start.expected_version)),
        Command::CheckIn(check_in) => Some((&mut check_in.booking, &mut check_in.expected_version)),
        _ => None,
    }
}

/// Names the booking that is as many back as the id says, and asks for its owner if the caller may be anybody.
fn aim(
    id: &mut BookingId,
    version: &mut Option<u32>,
    bookings: &Bookings,
    who: Option<&mut u64>,
) -> Option<Arc<Booking>> {
    let (found, booking) = match who {
        Some(_) => bookings.iter().rev().nth(id.0 as usize % bookings.len().max(1))?,
        None => bookings.iter().rev().nth(id.0 as usize)?,
    };
    *id = *found;
    *version = version.map(|ahead| booking.version + ahead);
    if let Some(who) = who.filter(|who| **who > 2) {
        *who = booking.user.0;
    }
    Some(booking.clone())
}

/// Three seats stand for those that the booking has; of two, the last is one of them.
fn overlapping(wanted: &[SeatName], booking: &Booking) -> Vec<SeatName> {
    let own: Vec<SeatName> = booking.seats.iter().map(|seat| SeatName::Label(seat.label.clone())).collect();
    match (wanted, own.first()) {
        ([_, _, _], Some(_)) => own,
        ([new, _], Some(own)) => vec![new.clone(), own.clone()],
        _ => wanted.to_vec(),
    }
}

fn aim_confirm(confirm: &mut Confirm, bookings: &Bookings, who: Option<&mut u64>) {
    let aims = who.is_some();
    let Some(booking) = aim(&mut confirm.booking, &mut confirm.expected_version, bookings, who) else {
        return;
    };
    if !aims {
        return;
    }
    if let (Some(paid), Some(payment)) = (&mut confirm.paid, &booking.payment) {
        paid.reference.clone_from(&payment.reference);
    }
    if let Some(Part::Seats(labels)) = &mut confirm.part {
        for (label, seat) in labels.iter_mut().zip(booking.seats.iter().rev()) {
            label.clone_from(&seat.label);
        }
    }
}
