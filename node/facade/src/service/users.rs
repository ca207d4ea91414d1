//! Users, as operators manage them and as they manage themselves.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use holdfast_raft::{Consistency, Read, View};
use holdfast_reservations::{
    Account, BanUser, Command, CreateUser, GiveRole, LiftBan, Outcome, Principal, ReadRows, Role,
    SetPassword, UserId, UserProfile, account, list_users, user_by_email,
};

use crate::problem::{Problem, Result, unexpected};
use crate::service::accounts::Suspect;
use crate::service::{Asked, CallContext, Caller, Service};

/// A user to be made.
pub(crate) struct NewUser {
    pub(crate) email: String,
    pub(crate) name: String,
    /// `None` for one who cannot log in.
    pub(crate) password: Option<String>,
    pub(crate) role: Role,
}

/// A password to be.
pub(crate) struct PasswordChange {
    pub(crate) password: String,
    /// Needed to change one's own.
    pub(crate) old_password: Option<String>,
    pub(crate) remote: Option<IpAddr>,
}

impl Service {
    /// Makes a user for somebody else.
    pub(crate) async fn create_user(
        &self,
        caller: Caller,
        user: NewUser,
        call: &CallContext,
    ) -> Result<(UserId, Account)> {
        let NewUser { email, name, password, role } = user;
        let password_hash = match password {
            Some(password) => self.hash_password(password, &["create user", &email], call).await?,
            None => String::new(),
        };
        let parts = [email.as_str(), &name, &password_hash, &format!("{role:?}")];
        let call = call.with_payload("create user", &parts);
        let command = Command::CreateUser(CreateUser { email, name, password_hash, role });
        self.change_user(caller, command, &call).await
    }

    /// Gives a user another role.
    pub(crate) async fn set_role(
        &self,
        caller: Caller,
        user: UserId,
        role: Role,
        call: &CallContext,
    ) -> Result<(UserId, Account)> {
        self.change_user(caller, Command::GiveRole(GiveRole { user, role }), call).await
    }

    /// Keeps a user from acting.
    pub(crate) async fn ban_user(
        &self,
        caller: Caller,
        user: UserId,
        reason: String,
        call: &CallContext,
    ) -> Result<(UserId, Account)> {
        self.change_user(caller, Command::BanUser(BanUser { user, reason }), call).await
    }

    /// Lets a banned user log in again.
    pub(crate) async fn lift_ban(
        &self,
        caller: Caller,
        user: UserId,
        call: &CallContext,
    ) -> Result<(UserId, Account)> {
        self.change_user(caller, Command::LiftBan(LiftBan { user }), call).await
    }

    /// Gives a user another password: the caller's own if he knows the old one, anybody's for an operator.
    pub(crate) async fn set_password(
        &self,
        caller: Caller,
        user: UserId,
        change: PasswordChange,
        call: &CallContext,
    ) -> Result<(UserId, Account)> {
        let PasswordChange { password, old_password, remote } = change;
        if user == caller.user {
            let old_password = old_password.ok_or_else(old_password_needed)?;
            self.verify_own_password(caller, old_password, remote, call).await?;
        } else if !caller.role.operates() {
            return Err(not_found(user));
        }
        let password_hash = self.hash_password_of(user, password, call).await?;
        let call = Self::named_by_password(user, &password_hash, call);
        self.change_user(caller, Command::SetPassword(SetPassword { user, password_hash }), &call).await
    }

    async fn hash_password_of(&self, user: UserId, password: String, call: &CallContext) -> Result<String> {
        self.hash_password(password, &["set password", &user.to_string()], call).await
    }

    /// How a change of a password is recognised when it comes again.
    fn named_by_password(user: UserId, password_hash: &str, call: &CallContext) -> CallContext {
        call.with_payload("set password", &[&user.to_string(), password_hash])
    }

    /// The first answer to a change of the caller's own password, which voided the token it is asked again with.
    pub(crate) async fn password_set_before(
        &self,
        token: Option<&str>,
        user: UserId,
        password: String,
        remote: Option<IpAddr>,
        call: &CallContext,
    ) -> Result<Option<(UserId, Account)>> {
        // His own token was voided, nobody else's; and nothing is worked out for whoever just asks and asks.
        let claimed = self.claimed(token, call).await?;
        if !claimed.is_some_and(|claimed| matches!(claimed, Principal::User { user: own, .. } if own == user))
        {
            return Ok(None);
        }
        let share = self.parts.passwords.let_in(self.network(remote))?;
        let named = async || {
            let _held = share;
            let password_hash = self.hash_password_of(user, password, call).await?;
            Ok(Self::named_by_password(user, &password_hash, call))
        };
        match self.answered_before(token, call, named).await? {
            Some(Outcome::Account(id, account)) => Ok(Some((id, account))),
            Some(_) | None => Ok(None),
        }
    }

    async fn verify_own_password(
        &self,
        caller: Caller,
        password: String,
        remote: Option<IpAddr>,
        call: &CallContext,
    ) -> Result<()> {
        let asked = Asked { caller, consistency: Consistency::Linearizable, deadline: call.deadline };
        let find = |view: &View<'_>, caller: Caller| {
            let found = Suspect::of(view, caller.user).zip(account(view, caller.user));
            found.ok_or_else(|| not_found(caller.user))
        };
        let (known, Account { email, .. }) = self.read_as(asked, find).await?.value;
        // Counted with log-ins: a stolen token must not help to guess.
        let guess = (self.throttle().guess(&email, remote), self.network(remote));
        let wrong = || Problem::new(401, "bad_credentials", "the old password is wrong");
        self.verify_password(Some(known), password, guess, call).await?.ok_or_else(wrong).map(drop)
    }

    async fn change_user(
        &self,
        caller: Caller,
        command: Command,
        call: &CallContext,
    ) -> Result<(UserId, Account)> {
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Account(id, account), _) => Ok((id, account)),
            // What is remembered of the first attempt may be older than accounts in outcomes. This node has applied it: no
            // quorum is asked, which might be lost by now although there was an effect.
            (Outcome::User(id, profile), _) => {
                let (account, _) = self.parts.replica.look(|view| account_with(view, id, profile))?;
                account.map(|account| (id, account)).ok_or_else(|| not_found(id))
            }
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// A user the caller may see: himself, or anybody for an operator.
    pub(crate) async fn user(&self, asked: Asked, id: UserId) -> Result<Read<Account>> {
        self.read_as(asked, |view, caller| visible_user(view, caller, id)).await
    }

    /// Users, newest first; or the one with an address.
    pub(crate) async fn users(
        &self,
        asked: Asked,
        email: Option<&str>,
        before: UserId,
        limit: usize,
    ) -> Result<Read<Vec<(UserId, Account)>>> {
        self.read_as(asked, |view, _| Ok(found_users(view, email, before, limit))).await
    }
}

/// A user as he was when an outcome was all that there is of him in it: nobody could be banned then.
fn account_with(rows: &impl ReadRows, id: UserId, profile: UserProfile) -> Option<Account> {
    let UserProfile { email, name, role } = profile;
    account(rows, id).map(|now| Account { email, name, role, created_at: now.created_at, ban: None })
}

fn visible_user(rows: &impl ReadRows, caller: Caller, id: UserId) -> Result<Account> {
    let may_see = caller.user == id || caller.role.operates();
    account(rows, id).filter(|_| may_see).ok_or_else(|| not_found(id))
}

fn found_users(
    rows: &impl ReadRows,
    email: Option<&str>,
    before: UserId,
    limit: usize,
) -> Vec<(UserId, Account)> {
    match email {
        None => list_users(rows, before, limit),
        Some(email) => {
            let id = user_by_email(rows, email).filter(|id| *id < before);
            id.and_then(|id| Some((id, account(rows, id)?))).into_iter().collect()
        }
    }
}

fn not_found(user: UserId) -> Problem {
    Problem::not_found("user_not_found", user)
}

fn old_password_needed() -> Problem {
    Problem::senseless("oldPassword is missing: to change your own password, give the one you have")
}
