//! The next id of each kind, and the count of operators.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::{BookingId, JobId, PoolId, ResourceId, SessionId, SlotId, UserId, VenueId};
use crate::outcome::{Contradiction, Halt, Rejection};
use crate::rows::ReadTyped as _;

/// Ids stay below this: what is above belongs to the number of a Raft group, and both together stay exact in a JSON
/// number of any client.
const IDS_END: u64 = 1 << 40;

/// How many ids of each kind were given out; the next one is one more, so that no id is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Venues made.
    pub venues: u64,
    /// Resources made.
    pub resources: u64,
    /// Slots opened.
    pub slots: u64,
    /// Pools opened.
    pub pools: u64,
    /// Bookings made.
    pub bookings: u64,
    /// Users signed up.
    pub users: u64,
    /// Sessions opened.
    pub sessions: u64,
    /// Users who may operate now: operators who are not banned.
    pub operators: u64,
    /// Jobs accepted.
    pub jobs: u64,
}

/// Whether somebody may operate the cluster: an operator who is not banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operates {
    Yes,
    No,
}

impl From<bool> for Operates {
    fn from(operates: bool) -> Self {
        if operates { Self::Yes } else { Self::No }
    }
}

impl Context<'_> {
    pub(crate) fn counters(&self) -> Counters {
        self.row::<Counters>(()).map_or_else(Counters::default, |row| (*row).clone())
    }

    /// Keeps count of operators when somebody's role or ban changes.
    pub(crate) fn count_operator(&mut self, before: Operates, after: Operates) {
        let mut counters = self.counters();
        match (before, after) {
            (Operates::No, Operates::Yes) => counters.operators = counters.operators.saturating_add(1),
            (Operates::Yes, Operates::No) => counters.operators = counters.operators.saturating_sub(1),
            (Operates::Yes, Operates::Yes) | (Operates::No, Operates::No) => return,
        }
        self.put((), counters);
    }

    /// As [`Context::count_operator`], unless nobody would be left to operate the cluster.
    pub(crate) fn count_operator_but_the_last(
        &mut self,
        before: Operates,
        after: Operates,
    ) -> Result<(), Halt> {
        if (before, after) == (Operates::Yes, Operates::No) && self.counters().operators <= 1 {
            return Err(Rejection::LastOperator.into());
        }
        self.count_operator(before, after);
        Ok(())
    }
}

/// Defines `Context::next_*`: takes the next id of a kind.
macro_rules! next_ids {
    ($($function:ident: $field:ident -> $id:ident;)*) => {
        impl Context<'_> {
            $(
                /// The next id of this kind, never given before (INV-6).
                pub(crate) fn $function(&mut self) -> Result<$id, Halt> {
                    let mut counters = self.counters();
                    let next = counters.$field.checked_add(1).filter(|next| *next < IDS_END);
                    counters.$field = next.ok_or(Contradiction::Overflow)?;
                    let id = $id(counters.$field);
                    self.put((), counters);
                    Ok(id)
                }
            )*
        }
    };
}

next_ids! {
    next_venue: venues -> VenueId;
    next_resource: resources -> ResourceId;
    next_slot: slots -> SlotId;
    next_pool: pools -> PoolId;
    next_booking: bookings -> BookingId;
    next_user: users -> UserId;
    next_session: sessions -> SessionId;
    next_job: jobs -> JobId;
}
