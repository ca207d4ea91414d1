//! Apps and their secrets, as operators manage them.

use std::sync::Arc;

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    AddAppSecret, App, Command, CreateApp, DeleteApp, Outcome, ReadRows, ReadTyped as _, RevokeAppSecret,
    User, UserId, list_apps,
};

use crate::accounts::credentials::Secret;
use crate::problem::{Problem, Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

/// An app with its name.
pub(crate) struct AppView {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) app: Arc<App>,
}

/// An app that was given a secret.
pub(crate) struct MadeSecret {
    pub(crate) app: UserId,
    pub(crate) number: u32,
    /// What the app shows from now on. Known to this call alone: if it was made before and its answer was lost, nobody
    /// knows it any more.
    pub(crate) credential: Option<String>,
}

impl Service {
    /// Makes an app with its first secret.
    pub(crate) async fn create_app(
        &self,
        caller: Caller,
        name: String,
        call: &CallContext,
    ) -> Result<MadeSecret> {
        let secret = Secret::new();
        let command = Command::CreateApp(CreateApp { name, secret_hash: secret.hash() });
        self.make_secret(caller, command, &secret, call).await
    }

    /// Gives an app one more secret.
    pub(crate) async fn add_app_secret(
        &self,
        caller: Caller,
        app: UserId,
        call: &CallContext,
    ) -> Result<MadeSecret> {
        let secret = Secret::new();
        let command = Command::AddAppSecret(AddAppSecret { app, secret_hash: secret.hash() });
        self.make_secret(caller, command, &secret, call).await
    }

    async fn make_secret(
        &self,
        caller: Caller,
        command: Command,
        secret: &Secret,
        call: &CallContext,
    ) -> Result<MadeSecret> {
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::App(app, row), _) => Ok(made_secret(app, &row, secret)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Takes a secret from an app.
    pub(crate) async fn revoke_app_secret(
        &self,
        caller: Caller,
        app: UserId,
        secret: u32,
        call: &CallContext,
    ) -> Result<()> {
        let command = Command::RevokeAppSecret(RevokeAppSecret { app, secret });
        self.submit(caller.principal(), command, call).await.map(drop)
    }

    /// Deletes an app with all its secrets.
    pub(crate) async fn delete_app(&self, caller: Caller, app: UserId, call: &CallContext) -> Result<()> {
        let command = Command::DeleteApp(DeleteApp { app });
        self.submit(caller.principal(), command, call).await.map(drop)
    }

    pub(crate) async fn app(&self, asked: Asked, id: UserId) -> Result<Read<AppView>> {
        let missing = || Problem::not_found("app_not_found", format!("app {}", id.0));
        let with = |view: &View<'_>, _| {
            let app = view.row::<App>(id);
            app.map(|app| seen(view, id, app)).ok_or_else(missing)
        };
        self.read_as(asked, with).await
    }

    pub(crate) async fn apps(
        &self,
        asked: Asked,
        before: UserId,
        limit: usize,
    ) -> Result<Read<Vec<AppView>>> {
        let with = |view: &View<'_>, _| {
            let apps = list_apps(view, before, limit).into_iter();
            Ok(apps.map(|(id, app)| seen(view, id, app)).collect())
        };
        self.read_as(asked, with).await
    }
}

fn seen(rows: &impl ReadRows, id: UserId, app: Arc<App>) -> AppView {
    let name = rows.row::<User>(id).map(|user| user.name.clone()).unwrap_or_default();
    AppView { id, name, app }
}

/// The newest secret of an app in the answer to a call that brought `secret`, or to the same call before it.
fn made_secret(app: UserId, row: &App, secret: &Secret) -> MadeSecret {
    let newest = row.secrets.last();
    let number = newest.map_or(0, |newest| newest.number);
    let is_ours = newest.is_some_and(|newest| newest.hash == secret.hash());
    MadeSecret { app, number, credential: is_ours.then(|| secret.credential(app, number)) }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{AppSecret, Timestamp};

    use super::*;

    #[test]
    fn only_the_call_that_made_a_secret_can_show_it() {
        let (secret, created_at) = (Secret::new(), Timestamp(0));
        let secrets = vec![AppSecret { number: 3, hash: secret.hash(), created_at }];
        let row = App { created_at, created_by: UserId(1), secrets, secrets_made: 3 };
        let made = made_secret(UserId(6), &row, &secret);
        assert_eq!((made.number, made.credential), (3, Some(secret.credential(UserId(6), 3))));
        let again = made_secret(UserId(6), &row, &Secret::new());
        assert_eq!((again.number, again.credential), (3, None));
    }
}
