//! Signing up, logging in, and what users may do.

use holdfast_raft::Consistency;
use holdfast_reservations::{
    ChangeRole, CloseSessions, Command, OpenSession, Outcome, Principal, ReadTyped as _, RefreshSession,
    Role, SignUp, User, UserId, UserProfile, user_by_email,
};

use crate::accounts::tokens::{Opened, Refresh, TokenPair};
use crate::http::{KeyOwner, owned_by};
use crate::problem::{Problem, Result, unexpected};
use crate::service::{CallContext, Caller, Service};

impl Service {
    /// Makes a guest.
    pub(crate) async fn sign_up(
        &self,
        email: String,
        name: String,
        password: String,
        call: &CallContext,
    ) -> Result<UserId> {
        let password_hash = self.parts.passwords.hash(password, call.deadline).await?;
        let command = Command::SignUp(SignUp { email, name, password_hash });
        match self.submit(Principal::Anonymous, command, call).await? {
            (Outcome::User(id, _), _) => Ok(id),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Opens a session for whoever knows the password of an address.
    pub(crate) async fn log_in(
        &self,
        email: &str,
        password: String,
        call: &CallContext,
    ) -> Result<TokenPair> {
        let find = |view: &holdfast_raft::View<'_>| {
            let id = user_by_email(view, email)?;
            let user = view.row::<User>(id)?;
            Some((id, user.token_version, user.password_hash.clone()))
        };
        let user = self.read(Consistency::Linearizable, call.deadline, find).await?.value;
        let known = user.as_ref().map(|(.., hash)| hash.clone());
        let is_right = self.parts.passwords.verify(password, known, call.deadline).await?;
        let Some((user, token_version, _)) = user.filter(|_| is_right) else {
            return Err(Problem::new(401, "bad_credentials", "the address or the password is wrong"));
        };
        let id = owned_by(KeyOwner::User(user.0), call.id);
        let open = Command::OpenSession(OpenSession { user, token_version });
        self.open(open, &CallContext { id, ..*call }).await
    }

    /// Trades a refresh token for a new pair.
    pub(crate) async fn refresh(&self, token: &str, call: &CallContext) -> Result<TokenPair> {
        let Refresh { session, sequence } = self.parts.tokens.verify_refresh(token, call.deadline).await?;
        let id = owned_by(KeyOwner::Session(session.0), call.id);
        let command = Command::RefreshSession(RefreshSession { session, sequence });
        self.open(command, &CallContext { id, ..*call }).await
    }

    async fn open(&self, command: Command, call: &CallContext) -> Result<TokenPair> {
        // Asked before anything is proposed: a refresh token that was traded for nothing would be lost.
        self.parts.keys.check_published()?;
        match self.submit(Principal::Internal, command, call).await? {
            (Outcome::Session { session, user, sequence, token_version, expires_at }, _) => {
                Ok(self.parts.tokens.pair(&Opened { session, user, sequence, token_version, expires_at }))
            }
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Ends all sessions of the caller.
    pub(crate) async fn log_out(&self, caller: Caller, call: &CallContext) -> Result<()> {
        self.submit(caller.principal(), Command::CloseSessions(CloseSessions), call).await.map(drop)
    }

    /// Gives a user another role.
    pub(crate) async fn change_role(
        &self,
        caller: Caller,
        user: UserId,
        role: Role,
        call: &CallContext,
    ) -> Result<(UserId, UserProfile)> {
        let command = Command::ChangeRole(ChangeRole { user, role });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::User(id, profile), _) => Ok((id, profile)),
            (other, _) => Err(unexpected(&other)),
        }
    }
}
