//! Makes an event of somebody who is no operator, with its venue if that is new, and with its first slot if it has one.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::VenueId;
use crate::outcome::{Halt, Outcome};
use crate::resources::create::{self, NewResource};
use crate::resources::{Resource, ResourceKind};
use crate::slots::{NewSlot, open};
use crate::venues::{self, Venue};

/// Makes an event that belongs to whoever makes it. Anybody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateEvent {
    /// What it is called.
    pub name: String,
    /// A line or two for guests.
    pub description: String,
    /// Where it is: made if it is not there yet.
    pub venue: String,
    /// Its first slot, if that is known; it may sell nothing yet.
    pub slot: Option<NewSlot>,
}

impl CreateEvent {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let actor = context.actor()?;
        venues::index_names(context);
        let venue = match venues::by_name(context, &self.venue) {
            Some(venue) => venue,
            None => open_venue(context, &self.venue)?,
        };
        let (name, description) = (self.name.clone(), self.description.clone());
        let new = NewResource { venue, kind: ResourceKind::Event, name, description };
        let (id, resource) = create::insert(context, &new, Some(actor.user))?;
        let slot = self.slot.as_ref().map(|slot| open::open(context, id, slot)).transpose()?;
        Ok(match slot {
            Some(slot) => Outcome::Slots(vec![slot]),
            None => Outcome::Resource(id, resource),
        })
    }
}

/// A venue of which only the name is known is open all day, in UTC.
fn open_venue(context: &mut Context<'_>, name: &str) -> Result<VenueId, Halt> {
    let venue = Venue {
        name: name.to_owned(),
        region: String::new(),
        time_zone: "UTC".to_owned(),
        opens_at_minute: 0,
        closes_at_minute: 1439,
    };
    venues::create::insert(context, &venue)
}

/// What is offered at a venue.
impl Resource {
    /// Whether it is an event.
    #[must_use]
    pub fn is_event(&self) -> bool {
        self.kind == ResourceKind::Event
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn a_venue_is_found_by_its_name_whoever_made_it_and_when() {
        check(
            "
            at 0 olga creates venue name=Hall
            at 0 mia creates event name=Gig venue=Hall
            at 0 mia creates event name=Gig venue=Club
            at 0 olga creates venue name=Arena
            at 0 tom creates event name=Gig venue=Arena
            at 0 tom creates event name=Gig venue=Club
            ",
            &expect![[r#"
                olga creates venue name=Hall -> venue:2 [venue.created]
                mia creates event name=Gig venue=Hall -> resource:2 [resource.created]
                mia creates event name=Gig venue=Club -> resource:3 [venue.created resource.created]
                olga creates venue name=Arena -> venue:4 [venue.created]
                tom creates event name=Gig venue=Arena -> resource:4 [resource.created]
                tom creates event name=Gig venue=Club -> resource:5 [resource.created]
            "#]],
        );
    }
}
