//! Takes a device from a user.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Halt, Outcome, Rejection};
use crate::recipients;

/// Takes a device from a user: what was to be sent to it is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveDevice {
    /// Whose; the caller's if not said.
    pub user: Option<UserId>,
    /// Its number.
    pub device: u32,
}

impl RemoveDevice {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let user = recipients::owner(context, self.user)?;
        if recipients::of(context, user).device(self.device).is_none() {
            return Err(Rejection::DeviceNotFound(self.device).into());
        }
        recipients::remove(context, user, self.device);
        Ok(Outcome::DeviceRemoved(user, self.device))
    }
}
