//! Which deliveries of a channel are sent now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_reservations::{BookingId, Channel, Delivery, SlotId, Target, Timestamp};

/// Where a delivery waits.
pub(super) type Place = (Channel, u64);

/// Deliveries that are being sent, or whose end is not agreed yet.
#[derive(Default)]
pub(super) struct UnderWay {
    places: BTreeMap<Channel, BTreeSet<u64>>,
}

/// What is told in order: a booking, or a slot where it is about no booking.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Booking(BookingId),
    Slot(SlotId),
}

impl UnderWay {
    pub(super) fn begin(&mut self, (channel, number): Place) {
        self.places.entry(channel).or_default().insert(number);
    }

    pub(super) fn end(&mut self, (channel, number): Place) {
        if let Some(numbers) = self.places.get_mut(&channel) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.places.remove(&channel);
            }
        }
    }

    /// How many of a channel there are.
    pub(super) fn of(&self, channel: Channel) -> usize {
        self.places.get(&channel).map_or(0, BTreeSet::len)
    }

    fn has(&self, channel: Channel, number: u64) -> bool {
        self.places.get(&channel).is_some_and(|numbers| numbers.contains(&number))
    }
}

/// Picks deliveries of a channel, page by page and in their order: those that are due and not under way, and none behind
/// another of the same booking to the same target.
pub(super) struct Picker<'a> {
    channel: Channel,
    under_way: &'a UnderWay,
    now: Timestamp,
    room: usize,
    seen: BTreeSet<(Target, Subject)>,
    /// What was picked so far.
    pub(super) picked: Vec<(u64, Arc<Delivery>)>,
}

impl<'a> Picker<'a> {
    /// Picks so many that at most `most` are under way together.
    pub(super) fn new(channel: Channel, under_way: &'a UnderWay, now: Timestamp, most: usize) -> Self {
        let room = most.saturating_sub(under_way.of(channel));
        Self { channel, under_way, now, room, seen: BTreeSet::new(), picked: Vec::new() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.picked.len() < self.room
    }

    pub(super) fn look_at(&mut self, waiting: &[(u64, Arc<Delivery>)]) {
        for (number, delivery) in waiting {
            if !self.has_room() {
                return;
            }
            let is_first = self.seen.insert((delivery.target, subject(delivery)));
            let is_free = !self.under_way.has(self.channel, *number);
            if is_first && delivery.next_at <= self.now && is_free {
                self.picked.push((*number, Arc::clone(delivery)));
            }
        }
    }
}

fn subject(delivery: &Delivery) -> Subject {
    delivery.booking.map_or(Subject::Slot(delivery.slot), Subject::Booking)
}
