//! What a command changed, in words that watchers, metrics and senders understand.

use serde::{Deserialize, Serialize};

use crate::ids::{BookingId, ResourceId, SlotId, UserId, VenueId};

/// One change. The order of the variants is a stored format: new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A booking changed.
    Booking {
        /// How.
        kind: BookingEvent,
        /// Which.
        booking: BookingId,
        /// The slot it has places in now, or had when it ended.
        slot: SlotId,
        /// Whose it is.
        user: UserId,
    },
    /// A slot changed.
    Slot {
        /// How.
        kind: SlotEvent,
        /// Which.
        slot: SlotId,
        /// Of which resource.
        resource: ResourceId,
    },
    /// A resource was made.
    ResourceCreated(ResourceId),
    /// A resource changed.
    ResourceChanged(ResourceId),
    /// A resource was taken off.
    ResourceWithdrawn(ResourceId),
    /// A venue was made.
    VenueCreated(VenueId),
}

/// How a booking changed. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BookingEvent {
    /// It was made.
    Confirmed,
    /// Its slot, pool or count changed.
    Changed,
    /// It was given back.
    Cancelled,
    /// Its party was admitted.
    Used,
    /// It has its places until a deadline.
    Held,
    /// It was not confirmed in time.
    Expired,
    /// It waited for its turn, and there were no places.
    Rejected,
    /// Its slot is about to start.
    Ready,
    /// Its party did not come in time.
    NoShow,
}

/// How a slot changed. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SlotEvent {
    /// It was opened for booking.
    Opened,
    /// Its start has come.
    Started,
    /// Its end has come.
    Finished,
    /// Its window or what it sells changed.
    Changed,
    /// It was taken off.
    Withdrawn,
    /// So many parties did not come that none is released until an operator decides.
    NoShowsStopped,
}

impl Event {
    /// Every name there is.
    pub const NAMES: [&str; 19] = [
        "booking.cancelled",
        "booking.changed",
        "booking.confirmed",
        "booking.expired",
        "booking.held",
        "booking.no_show",
        "booking.ready",
        "booking.rejected",
        "booking.used",
        "resource.changed",
        "resource.created",
        "resource.withdrawn",
        "slot.changed",
        "slot.finished",
        "slot.no_shows_stopped",
        "slot.opened",
        "slot.started",
        "slot.withdrawn",
        "venue.created",
    ];

    /// The name watchers see, for instance `booking.confirmed`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Booking { kind: BookingEvent::Confirmed, .. } => "booking.confirmed",
            Self::Booking { kind: BookingEvent::Changed, .. } => "booking.changed",
            Self::Booking { kind: BookingEvent::Cancelled, .. } => "booking.cancelled",
            Self::Booking { kind: BookingEvent::Used, .. } => "booking.used",
            Self::Booking { kind: BookingEvent::Held, .. } => "booking.held",
            Self::Booking { kind: BookingEvent::Expired, .. } => "booking.expired",
            Self::Booking { kind: BookingEvent::Rejected, .. } => "booking.rejected",
            Self::Booking { kind: BookingEvent::Ready, .. } => "booking.ready",
            Self::Booking { kind: BookingEvent::NoShow, .. } => "booking.no_show",
            Self::Slot { kind: SlotEvent::Opened, .. } => "slot.opened",
            Self::Slot { kind: SlotEvent::Started, .. } => "slot.started",
            Self::Slot { kind: SlotEvent::Finished, .. } => "slot.finished",
            Self::Slot { kind: SlotEvent::Changed, .. } => "slot.changed",
            Self::Slot { kind: SlotEvent::Withdrawn, .. } => "slot.withdrawn",
            Self::Slot { kind: SlotEvent::NoShowsStopped, .. } => "slot.no_shows_stopped",
            Self::ResourceChanged(_) => "resource.changed",
            Self::ResourceWithdrawn(_) => "resource.withdrawn",
            Self::ResourceCreated(_) => "resource.created",
            Self::VenueCreated(_) => "venue.created",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_listed() {
        let source = include_str!("event.rs").split_once("pub fn name(").unwrap().1;
        let source = source.split_once("#[cfg(test)]").unwrap().0;
        let mut named: Vec<&str> = source.split('"').skip(1).step_by(2).collect();
        named.sort_unstable();
        assert_eq!(named, Event::NAMES);
    }
}
