//! Makes a venue.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::event::Event;
use crate::ids::VenueId;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::venues::{Venue, index_name};

/// Makes a venue. Operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVenue {
    /// The venue to be.
    pub venue: Venue,
}

impl CreateVenue {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let id = insert(context, &self.venue)?;
        Ok(Outcome::Venue(id, self.venue.clone()))
    }
}

/// Writes a new venue.
pub(crate) fn insert(context: &mut Context<'_>, venue: &Venue) -> Result<VenueId, Halt> {
    let id = context.next_venue()?;
    context.put(id, venue.clone());
    index_name(context, id, &venue.name);
    context.emit(Event::VenueCreated(id));
    Ok(id)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn only_operators_make_venues() {
        check(
            "
            at 0 olga creates venue name=Lakeside
            at 0 mia creates venue name=Backyard
            at 0 nobody creates venue name=Nowhere
            ",
            &expect![[r#"
                olga creates venue name=Lakeside -> venue:2 [venue.created]
                mia creates venue name=Backyard -> forbidden
                nobody creates venue name=Nowhere -> unauthenticated
            "#]],
        );
    }
}
