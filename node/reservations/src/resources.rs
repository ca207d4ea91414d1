//! Resources: what a venue offers in slots.

pub mod create;

use serde::{Deserialize, Serialize};

pub use create::CreateResource;

use crate::ids::{ResourceId, VenueId};
use crate::rows::{Key, Order, ReadRows, ReadTyped as _};

/// A ride, event or course at a venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Where it is.
    pub venue: VenueId,
    /// What it is.
    pub kind: ResourceKind,
    /// What it is called.
    pub name: String,
    /// A line or two for guests.
    pub description: String,
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ResourceKind {
    /// A theme-park ride.
    Ride,
    /// A concert, play or match.
    Event,
    /// A course with places.
    Course,
}

/// At most `limit` resources with ids below `before`, of one venue if named, newest first.
pub fn list(
    rows: &(impl ReadRows + ?Sized),
    venue: Option<VenueId>,
    before: ResourceId,
    limit: usize,
) -> Vec<(ResourceId, Resource)> {
    let range = match venue {
        Some(venue) => Key::ResourceByVenue(venue, ResourceId(0))..Key::ResourceByVenue(venue, before),
        None => Key::Resource(ResourceId(0))..Key::Resource(before),
    };
    let ids = rows.scan(range, Order::Descending, limit).into_iter().filter_map(|(key, _)| {
        let (Key::ResourceByVenue(_, id) | Key::Resource(id)) = key else { return None };
        Some(id)
    });
    ids.filter_map(|id| Some((id, (*rows.row::<Resource>(id)?).clone()))).collect()
}
