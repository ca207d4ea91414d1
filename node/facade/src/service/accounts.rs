//! Signing up, logging in and out.

use std::net::IpAddr;
use std::time::Duration;

use holdfast_raft::net::network_of;
use holdfast_raft::{Consistency, View};
use holdfast_reservations::{
    Command, CreateOperator, LogIn, LogOut, Outcome, Principal, ReadTyped as _, RefreshSession, Rejection,
    RequestId, RequestKey, Session, SignUp, User, UserId, answered, user_by_email,
};
use sha2::{Digest as _, Sha256};

use crate::accounts::passwords::Salt;
use crate::accounts::throttle::{Guess, Throttle};
use crate::accounts::tokens::{Opened, Refresh, TokenPair};
use crate::http::{KeyOwner, owned_by};
use crate::problem::{Problem, Result, rejected, unexpected};
use crate::service::{CallContext, Caller, Service};

/// A user whose password is to be verified.
pub(super) struct Suspect {
    pub(super) user: UserId,
    pub(super) token_version: u32,
    /// `None` if he cannot log in with one.
    password_hash: Option<String>,
}

impl Suspect {
    pub(super) fn of(view: &View<'_>, user: UserId) -> Option<Self> {
        let row = view.row::<User>(user)?;
        let password_hash = Some(row.password_hash.clone()).filter(|hash| !hash.is_empty());
        Some(Self { user, token_version: row.token_version, password_hash })
    }
}

impl Service {
    /// Makes a guest.
    pub(crate) async fn sign_up(
        &self,
        email: String,
        name: String,
        password: String,
        remote: Option<IpAddr>,
        call: &CallContext,
    ) -> Result<UserId> {
        let salt = self.salt(&["sign up", &email], call);
        let hash = self.parts.passwords.hash_of_newcomer(password, salt, self.network(remote), call.deadline);
        let password_hash = hash.await?;
        let call = call.with_payload("sign up", &[&email, &name, &password_hash]);
        let command = Command::SignUp(SignUp { email, name, password_hash });
        match self.submit(Principal::Anonymous, command, &call).await? {
            (Outcome::User(id, _), _) => Ok(id),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Makes the first operator, if there is none, for somebody who may do with this node what he likes.
    pub(crate) async fn create_first_operator(
        &self,
        email: String,
        name: String,
        password: String,
        call: &CallContext,
    ) -> Result<UserId> {
        let password_hash = self.hash_password(password, &["create operator", &email], call).await?;
        let call = call.with_payload("create operator", &[&email, &name, &password_hash]);
        let command = Command::CreateOperator(CreateOperator { email, name, password_hash });
        match self.submit(Principal::Internal, command, &call).await {
            Ok((Outcome::User(id, _), _)) => Ok(id),
            Ok((other, _)) => Err(unexpected(&other)),
            Err(problem) if problem.status == 403 => {
                let detail = "the cluster has an operator already; sign in as one to make more";
                Err(Problem::new(409, "operator_exists", detail))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Opens a session for whoever knows the password of an address.
    pub(crate) async fn log_in(
        &self,
        email: &str,
        password: String,
        remote: Option<IpAddr>,
        call: &CallContext,
    ) -> Result<TokenPair> {
        let call = &call.with_payload("log in", &[email]);
        let find = |view: &View<'_>| Suspect::of(view, user_by_email(view, email)?);
        let known = self.read(Consistency::Linearizable, call.deadline, find).await?.value;
        let guess = (self.throttle().guess(email, remote), self.network(remote));
        let wrong = || Problem::new(401, "bad_credentials", "the address or the password is wrong");
        let Suspect { user, token_version, .. } =
            self.verify_password(known, password, guess, call).await?.ok_or_else(wrong)?;
        let id = owned_by(KeyOwner::User(user.0), call.id);
        let open = Command::LogIn(LogIn { user, token_version });
        self.open(open, &CallContext { id, ..*call }).await
    }

    /// The network that somebody's calls are counted with. Behind a proxy all have its address.
    pub(super) fn network(&self, remote: Option<IpAddr>) -> Option<IpAddr> {
        remote.filter(|_| self.settings().address_failures > 0).map(network_of)
    }

    /// The user, if the password is his. Whether he exists shows in nothing but that.
    pub(super) async fn verify_password(
        &self,
        known: Option<Suspect>,
        password: String,
        (guess, network): (Guess, Option<IpAddr>),
        call: &CallContext,
    ) -> Result<Option<Suspect>> {
        let (asked, told) = (self.throttle().clone(), self.throttle().clone());
        let metrics = self.metrics().clone();
        let admit = {
            let metrics = metrics.clone();
            move || admitted(&asked, guess).inspect_err(|_| metrics.log_in("throttled"))
        };
        // Asked before he waits for his turn too: who is turned away need not wait for it.
        admit()?;
        let hash = known.as_ref().and_then(|known| known.password_hash.clone());
        let note = move |is_right: bool| {
            told.note(guess, is_right);
            metrics.log_in(if is_right { "right" } else { "wrong" });
        };
        let is_right =
            self.parts.passwords.verify(password, hash, network, call.deadline, admit, note).await?;
        Ok(known.filter(|_| is_right))
    }

    /// Trades a refresh token for a new pair.
    pub(crate) async fn refresh(&self, token: &str, call: &CallContext) -> Result<TokenPair> {
        let refresh = self.parts.tokens.verify_refresh(token, call.deadline).await?;
        let Refresh { session, sequence, .. } = refresh;
        let id = owned_by(KeyOwner::Session(session.0), call.id);
        if refresh.is_of_retired_key {
            // Whoever stole the key writes what he likes: a session is not ended for it, as the rules would.
            let may_be_genuine = |view: &View<'_>| {
                answered(view, Principal::Internal, id).is_some()
                    || view.row::<Session>(session).is_some_and(|session| refresh.is_newest_of(&session))
            };
            if !self.read(Consistency::Linearizable, call.deadline, may_be_genuine).await?.value {
                return Err(rejected(&Rejection::SessionInvalid));
            }
        }
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

    /// Ends all sessions of the caller, and voids his access tokens.
    pub(crate) async fn log_out(&self, caller: Caller, call: &CallContext) -> Result<()> {
        self.submit(caller.principal(), Command::LogOut(LogOut), call).await.map(drop)
    }

    /// Whether this very call has logged the caller out before, with the token that it voided.
    pub(crate) async fn logged_out_before(&self, token: Option<&str>, call: &CallContext) -> Result<bool> {
        let answered = self.answered_before(token, call, async || Ok(call.clone())).await?;
        Ok(matches!(answered, Some(Outcome::SessionsClosed(_))))
    }

    /// The salted hash of a password that a call brings. A retry makes the same one, so that both ask for the same.
    pub(super) async fn hash_password(
        &self,
        password: String,
        about: &[&str],
        call: &CallContext,
    ) -> Result<String> {
        self.parts.passwords.hash(password, self.salt(about, call), call.deadline).await
    }

    fn salt(&self, about: &[&str], call: &CallContext) -> Salt {
        salt_of(&self.replica().identity().cluster.to_string(), about, call.id)
    }
}

fn admitted(throttle: &Throttle, guess: Guess) -> Result<()> {
    let Some(wait) = throttle.wait(guess) else { return Ok(()) };
    let wait = wait + Duration::from_millis(999);
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
    let detail = format!("too many wrong passwords; try again in {seconds} s, or with a refresh token now");
    Err(Problem { wait_seconds: Some(seconds), ..Problem::new(429, "too_many_attempts", detail) })
}

/// A salt of a call's own. Two people may use the same key, so what the call is about belongs to it.
fn salt_of(cluster: &str, about: &[&str], id: RequestId) -> Salt {
    let (kind, key) = match id.key {
        RequestKey::Made(key) => (0, key),
        RequestKey::Uuid(key) => (1, key),
        RequestKey::Named(key) => (2, key),
    };
    let mut hash = Sha256::new()
        .chain_update(b"holdfast password salt")
        .chain_update(cluster)
        .chain_update([kind])
        .chain_update(key);
    for part in about {
        hash = hash.chain_update((part.len() as u64).to_le_bytes()).chain_update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|position| digest[position])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_belongs_to_one_cluster_one_person_and_one_call() {
        let salt =
            |cluster: &str, about: &[&str], key| salt_of(cluster, about, RequestId { key, payload_hash: 0 });
        let first = salt("a", &["sign up", "mia"], RequestKey::Named([1; 16]));
        assert_eq!(first, salt("a", &["sign up", "mia"], RequestKey::Named([1; 16])), "a retry");
        for other in [
            salt("b", &["sign up", "mia"], RequestKey::Named([1; 16])),
            salt("a", &["sign up", "tom"], RequestKey::Named([1; 16])),
            salt("a", &["set password", "mia"], RequestKey::Named([1; 16])),
            salt("a", &["sign upm", "ia"], RequestKey::Named([1; 16])),
            salt("a", &["sign up", "mia"], RequestKey::Named([2; 16])),
            salt("a", &["sign up", "mia"], RequestKey::Uuid([1; 16])),
        ] {
            assert_ne!(first, other);
        }
    }
}
