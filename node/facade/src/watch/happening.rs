//! An event as the feed has it, and as a watcher is shown it.

use std::sync::{Arc, OnceLock};

use holdfast_reservations::{
    Booking, Event, FeedEvent, ReadRows, ReadTyped as _, ResourceId, Revision, Slot, SlotId,
};

/// An event, shared by all who watch. What the event does not say itself is looked up by the first who needs it.
pub(super) struct Happening {
    pub(super) revision: Revision,
    pub(super) event: Event,
    details: OnceLock<Details>,
}

/// What else there is to know of an event.
pub(super) struct Details {
    pub(super) resource: Option<ResourceId>,
    /// The booking, which says who manages it.
    pub(super) booking: Option<Arc<Booking>>,
}

/// An event as a watcher is shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) revision: Revision,
    pub(crate) event: Event,
    /// The resource it is about, or that of its slot.
    pub(crate) resource: Option<ResourceId>,
}

impl Happening {
    pub(super) fn of(FeedEvent { revision, event }: FeedEvent) -> Arc<Self> {
        Arc::new(Self { revision, event, details: OnceLock::new() })
    }

    /// What else there is to know, as these rows have it. A slot never moves to another resource, nor a booking to
    /// another manager, so it does not matter how late they are looked at.
    pub(super) fn details(&self, rows: &impl ReadRows) -> &Details {
        self.details.get_or_init(|| {
            let resource = match self.event {
                Event::Booking { slot, .. } => rows.row::<Slot>(slot).map(|slot| slot.resource),
                Event::Slot { resource, .. }
                | Event::ResourceCreated(resource)
                | Event::ResourceChanged(resource)
                | Event::ResourceWithdrawn(resource) => Some(resource),
                Event::VenueCreated(_) => None,
            };
            let booking = match self.event {
                Event::Booking { booking, .. } => rows.row::<Booking>(booking),
                Event::Slot { .. }
                | Event::ResourceCreated(_)
                | Event::ResourceChanged(_)
                | Event::ResourceWithdrawn(_)
                | Event::VenueCreated(_) => None,
            };
            Details { resource, booking }
        })
    }
}

/// The slot an event is about.
pub(super) fn slot_of(event: &Event) -> Option<SlotId> {
    match event {
        Event::Booking { slot, .. } | Event::Slot { slot, .. } => Some(*slot),
        Event::ResourceCreated(_)
        | Event::ResourceChanged(_)
        | Event::ResourceWithdrawn(_)
        | Event::VenueCreated(_) => None,
    }
}
