//! Venues: park branches, theatres, campuses.

pub mod create;

use serde::{Deserialize, Serialize};

pub use create::CreateVenue;

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
    match rows.get(&Key::VenueByName(name.to_owned())) {
        Some(Row::VenueByName(id)) => Some(id),
        _ => None,
    }
}
