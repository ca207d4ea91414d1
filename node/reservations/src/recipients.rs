//! Whom to tell of a user's bookings: his devices and what he prefers, in one row that most users have not.

pub mod add_device;
pub mod remove_device;
pub mod set_preferences;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use add_device::AddDevice;
pub use remove_device::RemoveDevice;
pub use set_preferences::SetPreferences;

use crate::bookings::reserve;
use crate::context::Context;
use crate::ids::UserId;
use crate::kinds::KindPattern;
use crate::outcome::{Halt, Rejection};
use crate::principal::Role;
use crate::rows::{Key, ReadRows, ReadTyped as _, Row};
use crate::time::Timestamp;
use crate::users::User;

/// Devices a user may have: each event of his bookings goes to all of them.
pub const DEVICES_MAX: usize = 10;

/// Bytes of a device's token. The facade refuses more.
pub const DEVICE_TOKEN_MAX: usize = 1024;

/// Bytes of the name of a language. The facade refuses more.
pub const LANGUAGE_MAX: usize = 35;

/// Whose service reaches a device. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Platform {
    /// Apple's.
    Apns,
    /// Google's.
    Fcm,
}

/// Something in a user's hand that shows what it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its number among the user's.
    pub number: u32,
    /// Whose service reaches it.
    pub platform: Platform,
    /// What that service calls it.
    pub token: String,
    /// The language it shows, if it says so: a BCP 47 tag.
    pub language: Option<String>,
    /// Since when it is known.
    pub added_at: Timestamp,
}

/// What a user wants to be told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// The language he reads, if he says so: a BCP 47 tag.
    pub language: Option<String>,
    /// Whether his devices are told.
    pub push: bool,
    /// Whether he gets e-mail; `None` leaves it to the policy.
    pub email: Option<bool>,
    /// The kinds of event he wants to hear of; `None` is all that guests are told.
    pub kinds: Option<Vec<KindPattern>>,
}

/// Whoever has said nothing: his devices are told all there is to tell.
impl Default for Preferences {
    fn default() -> Self {
        Self { language: None, push: true, email: None, kinds: None }
    }
}

/// A user as somebody to tell. It stays when the last device goes: the numbers of devices are given once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// What he prefers.
    pub preferences: Preferences,
    /// His devices, oldest first.
    pub devices: Vec<Device>,
    /// How many devices he ever had: the number of the next one is one more.
    pub devices_made: u32,
}

impl Recipient {
    /// The device of a number, if he has it still.
    #[must_use]
    pub fn device(&self, number: u32) -> Option<&Device> {
        self.devices.iter().find(|device| device.number == number)
    }

    /// The language a device is written to in, if anybody said so.
    #[must_use]
    pub fn language_of<'a>(&'a self, device: &'a Device) -> Option<&'a str> {
        device.language.as_deref().or(self.preferences.language.as_deref())
    }
}

/// Leaves the token out: whoever knows it can write to the device.
impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("number", &self.number)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

/// Who has the device of a token.
pub fn by_token(rows: &(impl ReadRows + ?Sized), platform: Platform, token: &str) -> Option<UserId> {
    match rows.get(&Key::DeviceByToken(platform, token.to_owned())) {
        Some(Row::DeviceByToken(id)) => Some(id),
        _ => None,
    }
}

/// The address a user gets e-mail at, if he has one: apps, and those who only say who they are, have none.
pub fn email_address(rows: &(impl ReadRows + ?Sized), user: UserId) -> Option<String> {
    let email = rows.row::<User>(user)?.email.clone();
    (email.contains('@') && crate::users::alias_of(&email).is_none()).then_some(email)
}

/// Takes a device from a user, if he has it.
pub(crate) fn remove(context: &mut Context<'_>, user: UserId, number: u32) {
    let Some(recipient) = context.row::<Recipient>(user) else { return };
    let mut recipient = (*recipient).clone();
    let Some(at) = recipient.devices.iter().position(|device| device.number == number) else { return };
    let device = recipient.devices.remove(at);
    context.delete(Key::DeviceByToken(device.platform, device.token));
    context.put(user, recipient);
}

/// Whose devices and preferences a command changes: the caller's, or somebody's he books for. An app has to do with
/// guests only.
fn owner(context: &Context<'_>, named: Option<UserId>) -> Result<UserId, Halt> {
    let actor = context.actor()?;
    let user = reserve::owner(context, actor, named)?;
    let is_guest = || context.row::<User>(user).is_some_and(|row| row.role == Role::Guest);
    if actor.role == Role::App && user != actor.user && !is_guest() {
        return Err(Rejection::UserNotFound(user).into());
    }
    Ok(user)
}

fn of(context: &Context<'_>, user: UserId) -> Recipient {
    context.row::<Recipient>(user).map_or_else(Recipient::default, Arc::unwrap_or_clone)
}
