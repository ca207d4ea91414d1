//! Whoever watched was shown what happened, as the log and the rules have it; and nobody was told that it is not kept while
//! it is.

use std::collections::BTreeSet;

use holdfast_model::{Happened, check_feed};
use holdfast_reservations::{Entry, Event, Feed, MemoryRows, ReadTyped as _, Slot, State};

use crate::readers::Seen;

/// What the log says of the feed.
#[derive(Default)]
pub(super) struct Told {
    /// Everything that happened, in order.
    pub(super) happened: Vec<Happened>,
    /// From which entries on events were kept, one after the other.
    first_indexes: BTreeSet<u64>,
}

/// Plays the log through the rules.
pub(super) fn told_by(log: &[(u64, Entry)]) -> Told {
    let (mut told, mut state) = (Told::default(), State::over(MemoryRows::default()));
    for (index, entry) in log {
        let applied = state.apply(*index, entry);
        let rows = state.rows();
        let resource_of = |event: &Event| match event {
            Event::Booking { slot, .. } => rows.row::<Slot>(*slot).map(|slot| slot.resource.0),
            Event::Slot { .. }
            | Event::ResourceCreated(_)
            | Event::ResourceChanged(_)
            | Event::ResourceWithdrawn(_)
            | Event::VenueCreated(_) => None,
        };
        let events = applied.iter().flat_map(holdfast_reservations::Applied::revisions);
        let happened = events.map(|(revision, event)| Happened::of(revision, &event, resource_of(&event)));
        told.happened.extend(happened);
        let feed = rows.row::<Feed>(());
        told.first_indexes.extend(feed.and_then(|feed| Some(feed.generations.first()?.1)));
    }
    told
}

/// Compares what was shown with the log.
///
/// # Errors
///
/// What does not fit.
pub(super) fn judge(log: &[(u64, Entry)], seen: &Seen) -> Result<(), String> {
    let told = told_by(log);
    super::first_of("feed", &check_feed(&told.happened, &seen.followed()))?;
    let is_right = |(behind, first_index): &(u64, u64)| {
        behind.saturating_add(1) < *first_index && told.first_indexes.contains(first_index)
    };
    match seen.refused().iter().find(|refused| !is_right(refused)) {
        None => Ok(()),
        Some((behind, first_index)) => Err(format!(
            "feed: somebody who was at entry {behind} was told that events are kept since {first_index} alone; \
             they were since {:?}",
            told.first_indexes
        )),
    }
}
