//! What could not be sent, as operators look at it and have it sent again.

use std::sync::Arc;

use holdfast_raft::{Read, View};
use holdfast_reservations::{
    Command, DeadLetter, Outcome, Replay, ReplayDeadLetters, WebhookId, list_dead_letters,
};

use crate::problem::{Result, unexpected};
use crate::service::{Asked, CallContext, Caller, Service};

impl Service {
    /// Dead letters, of one webhook or of all, newest first.
    pub(crate) async fn dead_letters(
        &self,
        asked: Asked,
        webhook: Option<WebhookId>,
        before: u64,
        limit: usize,
    ) -> Result<Read<Vec<(u64, Arc<DeadLetter>)>>> {
        self.read_as(asked, |view: &View<'_>, _| Ok(list_dead_letters(view, webhook, before, limit))).await
    }

    /// Has dead letters sent again: how many are, and behind which one to go on, if there may be more.
    pub(crate) async fn replay_dead_letters(
        &self,
        caller: Caller,
        which: Replay,
        call: &CallContext,
    ) -> Result<(u32, Option<u64>)> {
        let command = Command::ReplayDeadLetters(ReplayDeadLetters { which });
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::DeadLettersReplayed { replayed, next }, _) => Ok((replayed, next)),
            (other, _) => Err(unexpected(&other)),
        }
    }
}
