//! Takes a resource off.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::event::Event;
use crate::ids::ResourceId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::resources::{self, Resource, ResourceStatus};
use crate::slots;
use crate::time::Timestamp;

/// Takes a resource off that has no slots. Operators, and whoever it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawResource {
    /// Which.
    pub resource: ResourceId,
}

impl WithdrawResource {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let before = resources::find_own(context, self.resource)?;
        if !slots::list(context, self.resource, Timestamp::default(), None, 1).is_empty() {
            return Err(Rejection::HasSlots.into());
        }
        context.put(self.resource, Resource { status: ResourceStatus::Withdrawn, ..(*before).clone() });
        context.emit(Event::ResourceWithdrawn(self.resource));
        Ok(Outcome::ResourceWithdrawn(self.resource))
    }
}
