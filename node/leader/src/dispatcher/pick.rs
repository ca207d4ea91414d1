//! Which deliveries of a channel are sent now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_reservations::{Backlog, BookingId, Channel, Delivery, Millis, SlotId, Target, Timestamp};

use crate::senders::AGE_MAX;

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

/// Which deliveries of a channel are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All with which something is to be done.
    Due,
    /// Those that have waited too long: the channel rests, and they are given up all the same.
    Overdue,
}

/// A channel in which nothing is to be done until a moment, as long as nothing is put into it or taken out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    backlog: Backlog,
    until: Timestamp,
}

impl Quiet {
    /// Whether that still holds. An attempt that fails shows in no backlog, but makes no delivery due earlier.
    pub(super) fn lasts(&self, backlog: Backlog, now: Timestamp) -> bool {
        self.backlog == backlog && now < self.until
    }
}

/// Whether a delivery has waited so long that it is given up.
pub(super) fn is_overdue(delivery: &Delivery, now: Timestamp) -> bool {
    given_up_at(delivery) <= now
}

fn given_up_at(delivery: &Delivery) -> Timestamp {
    delivery.put_at.plus(Millis::from_seconds(AGE_MAX.as_secs()))
}

/// Picks deliveries of a channel, page by page and in their order: those that are due or given up and not under way, and
/// none behind another of the same booking to the same target.
pub(super) struct Picker<'a> {
    channel: Channel,
    wanted: Wanted,
    under_way: &'a UnderWay,
    now: Timestamp,
    room: usize,
    seen: BTreeSet<(Target, Subject)>,
    /// When something is to be done with the first of those that wait for their time.
    due_at: Timestamp,
    /// What was picked so far.
    pub(super) picked: Vec<(u64, Arc<Delivery>)>,
}

impl<'a> Picker<'a> {
    /// Picks so many that at most `most` are under way together.
    pub(super) fn new(
        channel: Channel,
        wanted: Wanted,
        under_way: &'a UnderWay,
        now: Timestamp,
        most: usize,
    ) -> Self {
        let room = most.saturating_sub(under_way.of(channel));
        let (seen, due_at, picked) = (BTreeSet::new(), Timestamp::MAX, Vec::new());
        Self { channel, wanted, under_way, now, room, seen, due_at, picked }
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
            if !is_first || self.under_way.has(self.channel, *number) {
                continue;
            }
            let due_at = self.due_at_of(delivery);
            if due_at <= self.now {
                self.picked.push((*number, Arc::clone(delivery)));
            } else {
                self.due_at = self.due_at.min(due_at);
            }
        }
    }

    /// Says of a channel that was looked at whether it is quiet. While something is under way, its end may change that.
    pub(super) fn quiet(&self, backlog: Backlog) -> Option<Quiet> {
        let is_quiet = match self.wanted {
            Wanted::Due => self.picked.is_empty() && self.under_way.of(self.channel) == 0,
            Wanted::Overdue => false,
        };
        is_quiet.then_some(Quiet { backlog, until: self.due_at })
    }

    fn due_at_of(&self, delivery: &Delivery) -> Timestamp {
        match self.wanted {
            Wanted::Due => delivery.next_at.min(given_up_at(delivery)),
            Wanted::Overdue => given_up_at(delivery),
        }
    }
}

fn subject(delivery: &Delivery) -> Subject {
    delivery.booking.map_or(Subject::Slot(delivery.slot), Subject::Booking)
}
