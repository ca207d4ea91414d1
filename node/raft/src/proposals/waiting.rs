//! Who waits for which request at this node. A request is answered when this node applies it, whoever proposed it and
//! whatever became of that leader: so what a caller was told is always in the state it reads next.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_reservations::{Applied, Principal, Request, RequestId};
use rustc_hash::FxHasher;
use tokio::sync::oneshot;

use crate::proposals::ProposeError;

/// What tells one request from another: whose it is and by what he proved it, its key, and what it asks for. Of two with
/// one key and another proof, one may be refused for its proof and the other not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    principal: Principal,
    id: RequestId,
}

impl Identity {
    /// The identity of a request; `None` if nobody can wait for it.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        request.id.map(|id| Self { principal: request.principal, id })
    }
}

type Answer = Result<Applied, ProposeError>;
type Table = HashMap<Identity, Vec<(u64, oneshot::Sender<Answer>)>, BuildHasherDefault<FxHasher>>;

/// All who wait at this node.
#[derive(Default)]
pub(crate) struct Waiting {
    table: Mutex<Table>,
    numbers: AtomicU64,
}

/// Names one who waits, for whoever must tell him that nothing will come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    identity: Identity,
    number: u64,
}

/// Stops waiting when it is dropped.
pub(crate) struct Wait {
    waiting: Arc<Waiting>,
    pub(crate) waiter: Waiter,
    answer: oneshot::Receiver<Answer>,
}

impl Waiting {
    /// Starts to wait for a request, before it is proposed.
    pub(crate) fn wait_for(self: &Arc<Self>, identity: Identity) -> Wait {
        let (sender, answer) = oneshot::channel();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.lock().entry(identity).or_default().push((number, sender));
        Wait { waiting: self.clone(), waiter: Waiter { identity, number }, answer }
    }

    /// Answers all who wait for requests that were applied.
    pub(crate) fn resolve<'a>(&self, applied: impl Iterator<Item = (&'a Option<Identity>, &'a Applied)>) {
        let mut table = self.lock();
        if table.is_empty() {
            return;
        }
        for (identity, applied) in applied {
            let Some(waiters) = identity.as_ref().and_then(|identity| table.remove(identity)) else {
                continue;
            };
            for (_, sender) in waiters {
                drop(sender.send(Ok(applied.clone())));
            }
        }
    }

    /// Whether he still waits.
    pub(crate) fn is_waiting(&self, waiter: Waiter) -> bool {
        let table = self.lock();
        let waiters = table.get(&waiter.identity);
        waiters.is_some_and(|waiters| waiters.iter().any(|(number, _)| *number == waiter.number))
    }

    /// Tells one who waits that his attempt came to nothing. Others who wait for the same request wait on.
    pub(crate) fn fail(&self, waiter: Waiter, error: ProposeError) {
        if let Some(sender) = self.remove(waiter) {
            drop(sender.send(Err(error)));
        }
    }

    /// Tells everybody that only a retry can tell.
    pub(crate) fn forget_all(&self) {
        let forgotten = std::mem::take(&mut *self.lock());
        for (_, sender) in forgotten.into_values().flatten() {
            drop(sender.send(Err(ProposeError::OutcomeUnknown)));
        }
    }

    fn remove(&self, waiter: Waiter) -> Option<oneshot::Sender<Answer>> {
        let mut table = self.lock();
        let waiters = table.get_mut(&waiter.identity)?;
        let position = waiters.iter().position(|(number, _)| *number == waiter.number)?;
        let (_, sender) = waiters.swap_remove(position);
        if waiters.is_empty() {
            table.remove(&waiter.identity);
        }
        Some(sender)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    /// What became of the request.
    pub(crate) async fn answer(&mut self) -> Answer {
        (&mut self.answer).await.unwrap_or(Err(ProposeError::OutcomeUnknown))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        drop(self.waiting.remove(self.waiter));
    }
}

#[cfg(test)]
mod tests {
    use holdfast_reservations::{Command, Outcome, RequestKey, Revision, Tick, UserId};

    use super::*;

    fn identity(key: u8, payload_hash: u64) -> Option<Identity> {
        let id = RequestId { key: RequestKey::Uuid([key; 16]), payload_hash };
        let request = Request { id: Some(id), principal: Principal::Anonymous, command: Command::Tick(Tick) };
        Identity::of(&request)
    }

    fn identity_with_token(token_version: u32) -> Option<Identity> {
        let id = RequestId { key: RequestKey::Uuid([1; 16]), payload_hash: 7 };
        let principal = Principal::User { user: UserId(3), token_version };
        Identity::of(&Request { id: Some(id), principal, command: Command::Tick(Tick) })
    }

    fn applied(index: u64) -> Applied {
        let revision = Revision { index, ordinal: 0 };
        Applied { revision, outcome: Outcome::Ticked { handled: 0, contradicted: 0 }, events: Vec::new() }
    }

    #[tokio::test]
    async fn all_who_wait_for_a_request_get_its_answer_and_nobody_else() {
        let waiting = Arc::new(Waiting::default());
        let mut first = waiting.wait_for(identity(1, 7).unwrap());
        let mut second = waiting.wait_for(identity(1, 7).unwrap());
        let mut other = waiting.wait_for(identity(1, 8).unwrap());

        waiting.resolve([(&identity(1, 7), &applied(5)), (&None, &applied(6))].into_iter());
        assert_eq!(first.answer().await, Ok(applied(5)));
        assert_eq!(second.answer().await, Ok(applied(5)));

        waiting.forget_all();
        assert_eq!(other.answer().await, Err(ProposeError::OutcomeUnknown));
    }

    #[tokio::test]
    async fn who_shows_another_token_under_the_same_key_gets_an_answer_of_his_own() {
        let waiting = Arc::new(Waiting::default());
        let mut voided = waiting.wait_for(identity_with_token(0).unwrap());
        let mut valid = waiting.wait_for(identity_with_token(1).unwrap());
        waiting.resolve([(&identity_with_token(0), &applied(5))].into_iter());
        waiting.resolve([(&identity_with_token(1), &applied(6))].into_iter());
        assert_eq!(voided.answer().await, Ok(applied(5)));
        assert_eq!(valid.answer().await, Ok(applied(6)));
    }

    #[tokio::test]
    async fn a_failed_attempt_concerns_only_the_one_who_made_it() {
        let waiting = Arc::new(Waiting::default());
        let mut first = waiting.wait_for(identity(1, 7).unwrap());
        let mut second = waiting.wait_for(identity(1, 7).unwrap());
        waiting.fail(first.waiter, ProposeError::NotLeader);
        assert_eq!(first.answer().await, Err(ProposeError::NotLeader));
        waiting.resolve([(&identity(1, 7), &applied(5))].into_iter());
        assert_eq!(second.answer().await, Ok(applied(5)));
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_who_went_away() {
        let waiting = Arc::new(Waiting::default());
        drop(waiting.wait_for(identity(1, 7).unwrap()));
        assert!(waiting.lock().is_empty());
    }
}
