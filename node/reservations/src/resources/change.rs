//! Changes what a resource is called.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::event::Event;
use crate::ids::ResourceId;
use crate::outcome::{Halt, Outcome};
use crate::resources::{self, Resource};

/// Changes a resource. Operators, and whoever it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeResource {
    /// Which.
    pub resource: ResourceId,
    /// What it is called from now on.
    pub name: Option<String>,
    /// What guests read from now on.
    pub description: Option<String>,
}

impl ChangeResource {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let before = resources::find_own(context, self.resource)?;
        let name = self.name.clone().unwrap_or_else(|| before.name.clone());
        let description = self.description.clone().unwrap_or_else(|| before.description.clone());
        let changed = Resource { name, description, ..(*before).clone() };
        if changed != *before {
            context.put(self.resource, changed.clone());
            context.emit(Event::ResourceChanged(self.resource));
        }
        Ok(Outcome::Resource(self.resource, changed))
    }
}
