//! Resources: what a venue offers in slots.

pub mod change;
pub mod create;
pub mod create_event;
pub mod withdraw;

use serde::{Deserialize, Serialize};

pub use change::ChangeResource;
pub use create::{CreateResource, NewResource};
pub use create_event::CreateEvent;
pub use withdraw::WithdrawResource;

use crate::context::{Actor, Context};
use crate::ids::{ResourceId, UserId, VenueId};
use crate::outcome::{Halt, Rejection};
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
    /// Whose it is, if not the operators' alone.
    pub owner: Option<UserId>,
    /// Whether it is there to be booked.
    pub status: ResourceStatus,
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

/// Whether a resource is there to be booked. The order is a stored format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ResourceStatus {
    /// It is.
    #[default]
    Offered,
    /// It was taken off.
    Withdrawn,
}

impl Resource {
    /// Whether it is there to be booked.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        match self.status {
            ResourceStatus::Offered => true,
            ResourceStatus::Withdrawn => false,
        }
    }

    /// Refuses whoever may not change it and what it offers.
    pub(crate) fn expect_managed_by(&self, actor: Actor) -> Result<(), Halt> {
        let may = actor.role.operates() || self.owner == Some(actor.user);
        if may { Ok(()) } else { Err(Rejection::Forbidden.into()) }
    }
}

/// A resource that is there, if the caller may change it.
fn find_own(context: &Context<'_>, id: ResourceId) -> Result<std::sync::Arc<Resource>, Halt> {
    let actor = context.actor()?;
    let resource = context.row::<Resource>(id).filter(|resource| resource.is_offered());
    let resource = resource.ok_or(Rejection::ResourceNotFound(id))?;
    resource.expect_managed_by(actor)?;
    Ok(resource)
}

/// At most `limit` resources with ids below `before`, of one venue if named, newest first. Those that were taken off are
/// not among them.
pub fn list(
    rows: &(impl ReadRows + ?Sized),
    venue: Option<VenueId>,
    before: ResourceId,
    limit: usize,
) -> Vec<(ResourceId, Resource)> {
    let mut before = before;
    let mut found = Vec::new();
    loop {
        let range = match venue {
            Some(venue) => Key::ResourceByVenue(venue, ResourceId(0))..Key::ResourceByVenue(venue, before),
            None => Key::Resource(ResourceId(0))..Key::Resource(before),
        };
        let page = rows.scan(range, Order::Descending, limit);
        let is_last = page.len() < limit;
        for (key, _) in page {
            let (Key::ResourceByVenue(_, id) | Key::Resource(id)) = key else { continue };
            before = id;
            let resource = rows.row::<Resource>(id).filter(|resource| resource.is_offered());
            found.extend(resource.map(|resource| (id, (*resource).clone())));
        }
        if is_last || found.len() >= limit {
            found.truncate(limit);
            return found;
        }
    }
}
