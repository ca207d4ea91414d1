//! Whom to tell: devices and preferences, as users and those who book for them say it.

use std::sync::Arc;

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    AddDevice, Command, Device, Outcome, Preferences, ReadRows, ReadTyped as _, Recipient, RemoveDevice,
    Role, SetPreferences, User, UserId,
};

use crate::problem::{Problem, Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

impl Service {
    /// Gives a user a device.
    pub(crate) async fn add_device(
        &self,
        caller: Caller,
        device: AddDevice,
        call: &CallContext,
    ) -> Result<(UserId, Device)> {
        match self.submit(caller.principal(), Command::AddDevice(device), call).await? {
            (Outcome::Device(user, device), _) => Ok((user, device)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Takes a device from a user.
    pub(crate) async fn remove_device(
        &self,
        caller: Caller,
        device: RemoveDevice,
        call: &CallContext,
    ) -> Result<(UserId, u32)> {
        match self.submit(caller.principal(), Command::RemoveDevice(device), call).await? {
            (Outcome::DeviceRemoved(user, number), _) => Ok((user, number)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Says what a user wants to be told, and how.
    pub(crate) async fn set_preferences(
        &self,
        caller: Caller,
        preferences: SetPreferences,
        call: &CallContext,
    ) -> Result<(UserId, Preferences)> {
        match self.submit(caller.principal(), Command::SetPreferences(preferences), call).await? {
            (Outcome::Preferences(user, preferences), _) => Ok((user, preferences)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// A user as somebody to tell: the caller, or whom he books for.
    pub(crate) async fn recipient(
        &self,
        asked: Asked,
        user: Option<UserId>,
    ) -> Result<Read<(UserId, Arc<Recipient>)>> {
        let with = |view: &View<'_>, caller: Caller| {
            let user = visible_owner(view, caller, user)?;
            Ok((user, view.row::<Recipient>(user).unwrap_or_default()))
        };
        self.read_as(asked, with).await
    }
}

/// Whose devices and preferences a caller may see: those that he may change, as the rules have it.
fn visible_owner(rows: &impl ReadRows, caller: Caller, named: Option<UserId>) -> Result<UserId> {
    let Some(user) = named.filter(|user| *user != caller.user) else { return Ok(caller.user) };
    let is_known = |row: Arc<User>| match caller.role {
        Role::Staff | Role::Operator => true,
        Role::App => row.role == Role::Guest,
        Role::Guest => false,
    };
    if !caller.role.books_for_others() {
        return Err(Problem::forbidden());
    }
    let is_known = rows.row::<User>(user).is_some_and(is_known);
    is_known.then_some(user).ok_or_else(|| Problem::not_found("user_not_found", user))
}
