//! Venues: park branches, theatres, campuses.

pub mod create;

use serde::{Deserialize, Serialize};

pub use create::CreateVenue;

use crate::context::Context;
use crate::ids::VenueId;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Row};

/// A place with resources. Opening hours are shown, and used where schedules are expanded; they refuse nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Venue {
    /// What it is called.
    pub name: String,
    /// Where it is, in the operator's words.
    pub region: String,
    /// IANA time zone, for instance `Europe/Paris`.
    pub time_zone: String,
    /// When it opens, in minutes after local midnight.
    pub opens_at_minute: u16,
    /// When it closes, in minutes after local midnight.
    pub closes_at_minute: u16,
}

/// At most `limit` venues with ids below `before`, newest first.
pub fn list(rows: &(impl ReadRows + ?Sized), before: VenueId, limit: usize) -> Vec<(VenueId, Venue)> {
    let found = rows.scan(Key::Venue(VenueId(0))..Key::Venue(before), Order::Descending, limit);
    let ids = found.into_iter().filter_map(|(key, _)| {
        let Key::Venue(id) = key else { return None };
        Some(id)
    });
    ids.filter_map(|id| Some((id, (*rows.row::<Venue>(id)?).clone()))).collect()
}

/// The first venue that got a name.
pub fn by_name(rows: &(impl ReadRows + ?Sized), name: &str) -> Option<VenueId> {
    if !is_indexed(rows) {
        let mut venues = all(rows);
        return venues.find_map(|(id, venue)| (venue.name == name).then_some(id));
    }
    match rows.get(&Key::VenueByName(name.to_owned())) {
        Some(Row::VenueByName(id)) if id != INDEXED => Some(id),
        _ => None,
    }
}

/// Says, under the empty name, that venues are found by name: they are since the first event of somebody who is no
/// operator. Entries that are older make the same rows as ever.
const INDEXED: VenueId = VenueId(0);

fn is_indexed(rows: &(impl ReadRows + ?Sized)) -> bool {
    rows.get(&Key::VenueByName(String::new())).is_some()
}

fn all(rows: &(impl ReadRows + ?Sized)) -> impl Iterator<Item = (VenueId, std::sync::Arc<Venue>)> {
    let range = Key::Venue(VenueId(0))..Key::Venue(VenueId(u64::MAX));
    let found = rows.scan(range, Order::Ascending, usize::MAX).into_iter().map(|(key, _)| key);
    found.filter_map(|key| {
        let Key::Venue(id) = key else { return None };
        Some((id, rows.row::<Venue>(id)?))
    })
}

/// Lets all venues be found by their names from now on.
pub(crate) fn index_names(context: &mut Context<'_>) {
    if is_indexed(context) {
        return;
    }
    let venues: Vec<_> = all(context).collect();
    context.set(Key::VenueByName(String::new()), Row::VenueByName(INDEXED));
    for (id, venue) in venues {
        index_name(context, id, &venue.name);
    }
}

/// The first of a name is found by it.
fn index_name(context: &mut Context<'_>, id: VenueId, name: &str) {
    if is_indexed(context) && !name.is_empty() && by_name(context, name).is_none() {
        context.set(Key::VenueByName(name.to_owned()), Row::VenueByName(id));
    }
}
