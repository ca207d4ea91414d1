//! Makes a venue.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::event::Event;
use crate::outcome::{Halt, Outcome};
use crate::principal::Role;
use crate::venues::Venue;

/// Makes a venue. Operators only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVenue {
    /// The venue to be.
    pub venue: Venue,
}

impl CreateVenue {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let id = context.next_venue()?;
        context.put(id, self.venue.clone());
        context.emit(Event::VenueCreated(id));
        Ok(Outcome::Venue(id, self.venue.clone()))
    }
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
