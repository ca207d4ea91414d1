//! The latest events of the feed, in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_reservations::Revision;

use super::happening::Happening;

/// Everything that happened behind one revision up to an index.
pub(super) struct Ring {
    events_max: usize,
    /// Everything behind this revision is here.
    since: Revision,
    /// Everything up to the end of this entry is here.
    until: u64,
    events: VecDeque<Arc<Happening>>,
}

/// Events behind a revision, in order and without a gap.
pub(super) struct Page {
    pub(super) events: Vec<Arc<Happening>>,
    /// Where who has seen them is.
    pub(super) at: Revision,
    /// Whether that is as far as is known.
    pub(super) is_last: bool,
}

/// A position behind everything of an entry, and before everything of the next one.
pub(super) fn end_of(index: u64) -> Revision {
    Revision { index, ordinal: u32::MAX }
}

/// Where somebody is who has seen everything up to the end of an entry, and as its last event the one at `at`. An entry
/// without events is all seen at its first ordinal.
pub(super) fn seen_until(at: Revision, until: u64) -> Revision {
    if until > at.index { Revision { index: until, ordinal: 0 } } else { at }
}

impl Ring {
    /// An empty one, behind an entry.
    pub(super) fn behind(index: u64, events_max: usize) -> Self {
        Self { events_max, since: end_of(index), until: index, events: VecDeque::new() }
    }

    pub(super) fn until(&self) -> u64 {
        self.until
    }

    /// Adds all that happened behind what is here up to the end of an entry; the oldest make room.
    pub(super) fn push(&mut self, events: impl IntoIterator<Item = Arc<Happening>>, until: u64) {
        self.until = until;
        for event in events {
            if self.events.len() >= self.events_max
                && let Some(oldest) = self.events.pop_front()
            {
                self.since = oldest.revision;
            }
            self.events.push_back(event);
        }
    }

    /// The next events behind a revision; `None` if some of them are not here any more.
    pub(super) fn read(&self, at: Revision, limit: usize) -> Option<Page> {
        if at < self.since {
            return None;
        }
        let first = self.events.partition_point(|event| event.revision <= at);
        let events: Vec<_> = self.events.iter().skip(first).take(limit).cloned().collect();
        let is_last = first + events.len() == self.events.len();
        let last = events.last().map_or(at, |event| event.revision);
        Some(Page { at: if is_last { seen_until(last, self.until) } else { last }, events, is_last })
    }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{Event, FeedEvent, VenueId};

    use super::*;

    fn happening(index: u64, ordinal: u32) -> Arc<Happening> {
        let event = Event::VenueCreated(VenueId(1));
        Happening::of(FeedEvent { revision: Revision { index, ordinal }, event })
    }

    fn read(ring: &Ring, index: u64, ordinal: u32, limit: usize) -> String {
        match ring.read(Revision { index, ordinal }, limit) {
            None => "not here".to_owned(),
            Some(Page { events, at, is_last }) => {
                let events: Vec<_> = events.iter().map(|event| event.revision.to_string()).collect();
                format!("{} -> {at}{}", events.join(" "), if is_last { " last" } else { "" })
            }
        }
    }

    #[test]
    fn what_is_behind_a_revision_comes_in_order_from_wherever_in_an_entry() {
        let mut ring = Ring::behind(9, 10);
        assert_eq!(read(&ring, 9, 5, 9), "not here");
        ring.push([happening(10, 0), happening(10, 1), happening(12, 0)], 14);
        assert_eq!(read(&ring, 9, u32::MAX, 9), "10-0 10-1 12-0 -> 14-0 last");
        assert_eq!(read(&ring, 10, 0, 9), "10-1 12-0 -> 14-0 last");
        assert_eq!(read(&ring, 10, 0, 1), "10-1 -> 10-1");
        assert_eq!(read(&ring, 14, 0, 9), " -> 14-0 last");
        assert_eq!(read(&ring, 20, 3, 9), " -> 20-3 last", "who has read rows may be further");
    }

    #[test]
    fn the_oldest_make_room_and_whoever_needs_them_is_told() {
        let mut ring = Ring::behind(9, 2);
        ring.push([happening(10, 0), happening(10, 1), happening(12, 0)], 12);
        assert_eq!(read(&ring, 9, u32::MAX, 9), "not here");
        assert_eq!(read(&ring, 10, 0, 9), "10-1 12-0 -> 12-0 last");
    }
}
