//! Decides about no-shows that were too many to be true.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::day::{NoShows, SlotDay};
use crate::due::DueKind;
use crate::ids::{BookingId, SlotId};
use crate::outcome::{Halt, Outcome, Rejection};
use crate::principal::Role;
use crate::rows::{Key, ReadTyped as _};

/// Decides what becomes of parties that have not come, once so many are missing that nobody was released. Operators only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideNoShows {
    /// Of which slot.
    pub slot: SlotId,
    /// What.
    pub decision: Decision,
}

/// What becomes of parties that have not come. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Their places are released.
    Release,
    /// They keep their places.
    Keep,
}

impl DecideNoShows {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.actor_who(Role::operates)?;
        let day = context.row::<SlotDay>(self.slot).ok_or(Rejection::SlotNotFound(Some(self.slot)))?;
        let NoShows::Stopped { .. } = day.no_shows else {
            return Err(Rejection::NothingToDecide(self.slot).into());
        };
        let since = context.now;
        let no_shows = match self.decision {
            Decision::Release => {
                context.index(Key::Due(context.now, DueKind::NoShows, self.slot.0));
                NoShows::Releasing { since, behind: BookingId(0) }
            }
            Decision::Keep => NoShows::Kept { since },
        };
        let decided = SlotDay { no_shows, ..*day };
        context.put(self.slot, decided);
        Ok(Outcome::SlotDay(self.slot, decided))
    }
}
