//! The way of a request into the log: who waits for it, who batches it, and how it gets to the leader.

mod backlog;
mod hand_over;
mod proposer;
mod stamp;
mod waiting;

use bytes::Bytes;

pub(crate) use backlog::{Backlog, Queued};
pub(crate) use hand_over::{HandOver, HandOverParts};
pub(crate) use proposer::{Proposer, ProposerParts, Room};
pub(crate) use stamp::{AGREEMENT_MS, Reading, Stamper};
pub(crate) use waiting::{Identity, Waiter, Waiting};

/// Requests waiting for the log; beyond this the answer is "overloaded".
pub(crate) const GROUPS_MAX: usize = 8192;

/// Bytes of requests waiting at this node; beyond this the answer is "overloaded".
pub(crate) const WAITING_BYTES_MAX: usize = 64 << 20;

/// Requests of one entry: applied in a few milliseconds.
pub(crate) const REQUESTS_PER_ENTRY_MAX: usize = 2048;

/// Bytes of one entry: sent and synced in a few milliseconds. A single larger request still gets an entry of its own.
pub(crate) const ENTRY_BYTES_MAX: usize = 1 << 20;

/// Encoded requests that go into the same entry and share a verdict.
pub(crate) struct Group {
    pub(crate) requests: Vec<Bytes>,
    pub(crate) notify: Notify,
}

impl Group {
    /// Of its encoded requests.
    pub(crate) fn bytes(&self) -> usize {
        self.requests.iter().map(Bytes::len).sum()
    }

    /// Whether nobody waits for it any more: whoever asked was told that nobody knows, or went away. What has not been
    /// proposed by then need not be.
    pub(crate) fn is_abandoned(&self, waiting: &Waiting) -> bool {
        match &self.notify {
            Notify::Waiter(waiter) => !waiting.is_waiting(*waiter),
            Notify::Follower(sender) => sender.is_closed(),
            Notify::Internal(sender) => sender.is_closed(),
        }
    }
}

/// Who is told what became of a group. That it was applied is news only for those who cannot see it in their own state.
pub(crate) enum Notify {
    /// A caller at this node; its answer comes from the applied state.
    Waiter(Waiter),
    /// A follower that handed requests over.
    Follower(tokio::sync::oneshot::Sender<Verdict>),
    /// A part of this node; it wants the outcomes themselves.
    Internal(tokio::sync::oneshot::Sender<Result<Vec<holdfast_reservations::Applied>, ProposeError>>),
}

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Committed, and applied by the leader.
    Applied,
    /// Not so.
    Failed(ProposeError),
}

/// Why a proposal has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It was never proposed and never will be: no leader is known here.
    #[error("no leader is known; nothing was proposed")]
    NoLeader,
    /// It was never proposed and never will be: the one asked does not lead.
    #[error("leadership is changing; nothing was proposed")]
    NotLeader,
    /// It was never proposed and never will be: too much is waiting.
    #[error("too much is waiting for the log; nothing was proposed")]
    Overloaded,
    /// It may or may not take effect. Only a retry with the same request id can tell.
    #[error("the outcome is unknown; retry with the same request id")]
    OutcomeUnknown,
    /// It was never proposed: the leader cannot read it.
    #[error("the leader cannot read the request; is it of an older version?")]
    Malformed,
}

impl ProposeError {
    /// Whether the request can still take effect.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        match self {
            Self::OutcomeUnknown => true,
            Self::NoLeader | Self::NotLeader | Self::Overloaded | Self::Malformed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use holdfast_reservations::{Command, Principal, Request, RequestId, RequestKey, Tick};
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn what_nobody_waits_for_is_abandoned() {
        let waiting = Arc::new(Waiting::default());
        let id = RequestId { key: RequestKey::Uuid([1; 16]), payload_hash: 7 };
        let request = Request { id: Some(id), principal: Principal::Anonymous, command: Command::Tick(Tick) };
        let wait = waiting.wait_for(Identity::of(&request).unwrap());
        let (verdict, asked_by_follower) = oneshot::channel();
        let (outcomes, asked_by_us) = oneshot::channel();
        let groups = [Notify::Waiter(wait.waiter), Notify::Follower(verdict), Notify::Internal(outcomes)];
        let groups = groups.map(|notify| Group { requests: Vec::new(), notify });
        assert!(groups.iter().all(|group| !group.is_abandoned(&waiting)));
        drop((wait, asked_by_follower, asked_by_us));
        assert!(groups.iter().all(|group| group.is_abandoned(&waiting)));
    }
}
