//! What a command changed, in words that watchers, metrics and senders understand.

use crate::ids::{BookingId, ResourceId, SlotId, UserId, VenueId};

/// One change. The revision of its command names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// How a booking changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
}

/// How a slot changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
}

impl Event {
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
            Self::Slot { kind: SlotEvent::Opened, .. } => "slot.opened",
            Self::Slot { kind: SlotEvent::Started, .. } => "slot.started",
            Self::Slot { kind: SlotEvent::Finished, .. } => "slot.finished",
            Self::Slot { kind: SlotEvent::Changed, .. } => "slot.changed",
            Self::Slot { kind: SlotEvent::Withdrawn, .. } => "slot.withdrawn",
            Self::ResourceChanged(_) => "resource.changed",
            Self::ResourceWithdrawn(_) => "resource.withdrawn",
            Self::ResourceCreated(_) => "resource.created",
            Self::VenueCreated(_) => "venue.created",
        }
    }
}
