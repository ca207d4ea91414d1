//! Editions of the rules. What an earlier edition did with an entry is done with it for ever; what a later one does
//! differently begins at the entry that adopts it, on every node at once.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::day;
use crate::outcome::{Halt, Outcome};
use crate::rows::{ReadRows, ReadTyped as _};
use crate::time::Millis;

/// The edition of entries before any other was adopted.
const FIRST: Edition = Edition(1);

/// The edition that gave slots their days (ready, no-shows), every event a revision of its own, and the feed.
pub const WITH_DAYS: Edition = Edition(2);

/// Which edition of the rules counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edition(pub u32);

impl Edition {
    /// The latest that this program knows.
    pub const LATEST: Self = WITH_DAYS;

    /// The one that counts.
    pub fn of(rows: &(impl ReadRows + ?Sized)) -> Self {
        rows.row::<Self>(()).map_or(FIRST, |edition| *edition)
    }
}

/// Adopts an edition, from the next entry on. Internal: proposed by a leader who knows a later one than counts. One that is
/// not later changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptEdition {
    /// Which.
    pub edition: Edition,
}

impl AdoptEdition {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let before = Edition::of(context);
        if self.edition > before {
            context.put((), self.edition);
        }
        if before < WITH_DAYS && self.edition >= WITH_DAYS {
            // A moment later: in this entry the edition before counts still.
            day::plan_all(context, context.now.plus(Millis(1)));
        }
        Ok(Outcome::EditionAdopted(self.edition.max(before)))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::transcript::check;

    #[test]
    fn slots_of_an_earlier_edition_get_their_days_when_the_next_one_is_adopted() {
        check(
            "
            at 0 olga sets policy cluster lead=30
            at 0 olga opens slot resource=1 from=100 to=200 capacity=2
            at 0 olga opens slot resource=1 from=10 to=20 capacity=2
            at 0 mia books slot:1
            at 69 tick
            at 70 tick
            at 71 adopt
            at 71 adopt
            at 72 tick
            at 73 tick
            at 74 tick
            ",
            &expect![[r#"
                olga sets policy cluster lead=30 -> Cluster lead=30
                olga opens slot resource=1 from=100 to=200 capacity=2 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=10 to=20 capacity=2 -> slot:2 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tick -> ticked 2 [slot.started slot.finished]
                tick -> ticked 0
                adopt -> edition 2
                adopt -> edition 2
                tick -> ticked 1
                tick -> ticked 1 [booking.ready]
                tick -> ticked 0
            "#]],
        );
    }
}
