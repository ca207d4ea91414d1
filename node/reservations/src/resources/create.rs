//! Makes a resource.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::event::Event;
use crate::ids::{ResourceId, UserId, VenueId};
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::resources::{Resource, ResourceKind, ResourceStatus};
use crate::rows::{Key, ReadTyped as _};
use crate::venues::Venue;

/// Makes a resource at a venue. Operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateResource {
    /// The resource to be.
    pub resource: NewResource,
}

/// A resource to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewResource {
    /// Where it is.
    pub venue: VenueId,
    /// What it is.
    pub kind: ResourceKind,
    /// What it is called.
    pub name: String,
    /// A line or two for guests.
    pub description: String,
}

impl CreateResource {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let venue = self.resource.venue;
        if context.row::<Venue>(venue).is_none() {
            return Err(Rejection::VenueNotFound(venue).into());
        }

        let (id, resource) = insert(context, &self.resource, None)?;
        Ok(Outcome::Resource(id, resource))
    }
}

/// Writes a new resource.
pub(super) fn insert(
    context: &mut Context<'_>,
    new: &NewResource,
    owner: Option<UserId>,
) -> Result<(ResourceId, Resource), Halt> {
    let id = context.next_resource()?;
    let NewResource { venue, kind, name, description } = new.clone();
    let resource = Resource { venue, kind, name, description, owner, status: ResourceStatus::Offered };
    context.put(id, resource.clone());
    context.index(Key::ResourceByVenue(venue, id));
    context.emit(Event::ResourceCreated(id));
    Ok((id, resource))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_resource_needs_a_venue() {
        check(
            "
            at 0 olga creates ride venue=1 name=Comet
            at 0 olga creates ride venue=9 name=Lost
            at 0 mia creates ride venue=9 name=Mine
            ",
            &expect![[r#"
                olga creates ride venue=1 name=Comet -> resource:2 [resource.created]
                olga creates ride venue=9 name=Lost -> venue_not_found venue:9
                mia creates ride venue=9 name=Mine -> forbidden
            "#]],
        );
    }
}
