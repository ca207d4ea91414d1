//! Gives a user a device.

use serde::{Deserialize, Serialize};

use super::{DEVICES_MAX, Device, Platform};
use crate::context::Context;
use crate::ids::UserId;
use crate::outcome::{Contradiction, Halt, Outcome, Rejection};
use crate::recipients;
use crate::rows::{Key, Row};

/// Gives a user a device, which somebody else loses if he had it: it is in one hand at a time. A device that the user
/// has keeps its number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddDevice {
    /// Whose; the caller's if not said.
    pub user: Option<UserId>,
    /// Whose service reaches it.
    pub platform: Platform,
    /// What that service calls it.
    pub token: String,
    /// The language it shows.
    pub language: Option<String>,
}

impl AddDevice {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        let user = recipients::owner(context, self.user)?;
        let mut recipient = recipients::of(context, user);
        let is_it = |device: &Device| device.platform == self.platform && device.token == self.token;
        if let Some(device) = recipient.devices.iter_mut().find(|device| is_it(device)) {
            device.language.clone_from(&self.language);
            let device = device.clone();
            context.put(user, recipient);
            return Ok(Outcome::Device(user, device));
        }
        if recipient.devices.len() >= DEVICES_MAX {
            return Err(Rejection::TooManyDevices.into());
        }
        recipient.devices_made = recipient.devices_made.checked_add(1).ok_or(Contradiction::Overflow)?;
        let device = Device {
            number: recipient.devices_made,
            platform: self.platform,
            token: self.token.clone(),
            language: self.language.clone(),
            added_at: context.now,
        };
        recipient.devices.push(device.clone());

        if let Some(other) = recipients::by_token(context, self.platform, &self.token) {
            let others = recipients::of(context, other).devices;
            for device in others.iter().filter(|device| is_it(device)) {
                recipients::remove(context, other, device.number);
            }
        }
        context.set(Key::DeviceByToken(self.platform, self.token.clone()), Row::DeviceByToken(user));
        context.put(user, recipient);
        Ok(Outcome::Device(user, device))
    }
}

/// Leaves the token out.
impl std::fmt::Debug for AddDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddDevice")
            .field("user", &self.user)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}
