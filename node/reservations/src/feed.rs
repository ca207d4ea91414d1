//! The feed: every event of every applied entry, in the order of their revisions, for as long as answers to requests are
//! remembered. The log does not know its events, outcomes and all, so they are kept here, one row an entry.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::event::Event;
use crate::ids::Revision;
use crate::outcome::Applied;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row, Rows, Stored as _};

/// Entries read together.
const PAGE: usize = 256;

/// The events of one entry, each with its ordinal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects(pub Vec<(u32, Event)>);

/// Since which entry events are kept, by generation; oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Each generation that is kept, with the index of its first entry.
    pub generations: Vec<(u32, u64)>,
}

/// One event, under the revision that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its name for ever.
    pub revision: Revision,
    /// What happened.
    pub event: Event,
}

/// What a reader finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The events behind a revision, all of them up to the last that is named.
    Events(Vec<FeedEvent>),
    /// Events behind that revision are not kept any more: whoever reads on has missed some.
    Behind {
        /// The first entry whose events are kept.
        first_index: u64,
    },
}

/// Notes the events of an entry.
pub(crate) fn write(rows: &mut impl Rows, clock: &Clock, index: u64, applied: &[Applied]) {
    let feed = rows.row::<Feed>(()).map(|feed| (*feed).clone()).unwrap_or_default();
    let is_begun = feed.generations.last().is_some_and(|(generation, _)| *generation == clock.generation);
    if !is_begun {
        begin(rows, clock.generation, index, feed);
    }
    let events = applied.iter().flat_map(Applied::revisions);
    let events: Vec<(u32, Event)> = events.map(|(revision, event)| (revision.ordinal, event)).collect();
    if !events.is_empty() {
        rows.set(Key::Effects(clock.generation, index), Some(Effects(events).into_row()));
    }
}

/// Begins a generation, and drops what is older than the one before it.
fn begin(rows: &mut impl Rows, generation: u32, index: u64, mut feed: Feed) {
    let kept = generation.saturating_sub(1);
    rows.delete_range(Key::Effects(0, 0)..Key::Effects(kept, 0));
    feed.generations.retain(|(generation, _)| *generation >= kept);
    feed.generations.push((generation, index));
    rows.set(Key::Feed, Some(Row::Feed(Arc::new(feed))));
}

/// At least `limit` events behind a revision, if there are so many: the events of one entry come together.
pub fn read(rows: &(impl ReadRows + ?Sized), behind: Revision, limit: usize) -> Read {
    let Some(feed) = rows.row::<Feed>(()) else { return Read::Events(Vec::new()) };
    let Some((_, first_index)) = feed.generations.first().copied() else { return Read::Events(Vec::new()) };
    // Who has seen all of the entry before has missed nothing.
    if behind.index.saturating_add(1) < first_index {
        return Read::Behind { first_index };
    }
    let begun = feed.generations.iter().rev().find(|(_, index)| *index <= behind.index);
    let generation = begun.or(feed.generations.first()).map_or(0, |(generation, _)| *generation);
    let mut from = Key::Effects(generation, behind.index);
    let mut found = Vec::new();
    while found.len() < limit {
        let page = rows.scan(from..Key::Effects(u32::MAX, u64::MAX), Order::Ascending, PAGE);
        let Some((Key::Effects(generation, index), _)) = page.last() else { break };
        from = Key::Effects(*generation, index.saturating_add(1));
        for (key, row) in page {
            let (Key::Effects(_, index), Some(Effects(events))) =
                (key, Effects::from_row(row).map(|row| (*row).clone()))
            else {
                continue;
            };
            let events = events
                .into_iter()
                .map(|(ordinal, event)| FeedEvent { revision: Revision { index, ordinal }, event });
            found.extend(events.filter(|event| event.revision > behind));
            if found.len() >= limit {
                break;
            }
        }
    }
    Read::Events(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::transcript::Stage;

    /// A little more than a generation.
    const DAY: u64 = 24 * 3_600_000 + 100;

    fn names(read: Read) -> Vec<String> {
        match read {
            Read::Events(events) => {
                events.iter().map(|event| format!("{} {}", event.revision, event.event.name())).collect()
            }
            Read::Behind { first_index } => vec![format!("behind {first_index}")],
        }
    }

    fn stage() -> Stage {
        let mut stage = Stage::new();
        stage.run("at 0 adopt");
        stage.run("at 0 olga opens slot resource=1 from=1000000000 to=2000000000 capacity=2");
        stage.run("at 0 mia holds slot:1 for=60");
        stage.run("at 0 mia holds slot:1 for=60");
        stage.run("at 60 tom books slot:1 count=2");
        stage
    }

    #[test]
    fn every_event_has_a_revision_of_its_own_in_the_order_in_which_they_happened() {
        let stage = stage();
        let all = names(read(stage.state.rows(), Revision { index: u64::MAX, ordinal: 0 }, 9));
        assert_eq!(all, Vec::<String>::new());
        let first = stage.state.rows().row::<Feed>(()).unwrap().generations[0].1;
        let all = names(read(stage.state.rows(), Revision { index: first - 1, ordinal: 0 }, 99));
        let base = first;
        let expected = [
            format!("{}-0 slot.opened", base),
            format!("{}-0 booking.held", base + 1),
            format!("{}-0 booking.held", base + 2),
            format!("{}-0 booking.expired", base + 3),
            format!("{}-1 booking.expired", base + 3),
            format!("{}-2 booking.confirmed", base + 3),
        ];
        assert_eq!(all, expected);
        let rest = names(read(stage.state.rows(), Revision { index: base + 3, ordinal: 0 }, 1));
        assert_eq!(rest, expected[4..]);
    }

    #[test]
    fn who_is_behind_what_is_kept_is_told() {
        let mut stage = stage();
        let first = stage.state.rows().row::<Feed>(()).unwrap().generations[0].1;
        let early = Revision { index: first - 2, ordinal: 7 };
        assert_eq!(names(read(stage.state.rows(), early, 9)), [format!("behind {first}")]);
        let seen = Revision { index: first, ordinal: 0 };
        for days in [1, 2] {
            assert_eq!(names(read(stage.state.rows(), seen, 9)).len(), 5 + usize::from(days == 2));
            stage.run(&format!("at {} mia cancels booking:9", days * DAY - 1000));
            stage.run(&format!("at {} olga creates ride venue=1 name=More", days * DAY));
        }
        let second = stage.state.rows().row::<Feed>(()).unwrap().generations[0].1;
        assert_eq!(names(read(stage.state.rows(), seen, 9)), [format!("behind {second}")]);
        assert_eq!(stage.state.now(), Timestamp(2 * DAY));
        let kept = names(read(stage.state.rows(), Revision { index: second - 1, ordinal: 9 }, 9));
        assert_eq!(kept.len(), 2, "{kept:?}");
    }
}
