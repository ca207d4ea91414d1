//! Proposals: to the own proposer if this node leads, else to the leader's, again and again under one request id.

use holdfast_reservations::{Applied, Command, Principal, Request};
use holdfast_storage::codec;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{PAUSE_FIRST, Replica};
use crate::proposals::{Group, Identity, Notify, ProposeError};
use crate::watch::Leadership;

impl Replica {
    /// Proposes a request and waits until this node has applied it. Follows leaders and retries under the same request
    /// id until `deadline`; a request without one is malformed.
    ///
    /// # Errors
    ///
    /// [`ProposeError::OutcomeUnknown`] if it may still take effect; every other error says that it never will.
    pub async fn propose(&self, request: &Request, deadline: Instant) -> Result<Applied, ProposeError> {
        let Some(identity) = Identity::of(request) else {
            return Err(ProposeError::Malformed);
        };
        let encoded = codec::encode_request(request).map_err(|_| ProposeError::Malformed)?;
        let mut may_take_effect = false;
        let mut pause = PAUSE_FIRST;
        loop {
            if self.is_removed() {
                let error = ProposeError::NoLeader;
                return Err(if may_take_effect { ProposeError::OutcomeUnknown } else { error });
            }
            // An earlier attempt that takes effect meanwhile is found by the next one: the state remembers its answer.
            let mut wait = self.parts.waiting.wait_for(identity);
            self.route(Group { requests: vec![encoded.clone()], notify: Notify::Waiter(wait.waiter) });
            let error = match tokio::time::timeout_at(deadline, wait.answer()).await {
                Ok(Ok(applied)) => return Ok(applied),
                Ok(Err(error)) => error,
                Err(_) => return Err(ProposeError::OutcomeUnknown),
            };
            may_take_effect |= error.is_unknown();
            let is_final = match error {
                ProposeError::Overloaded | ProposeError::Malformed => true,
                ProposeError::NoLeader | ProposeError::NotLeader | ProposeError::OutcomeUnknown => {
                    !self.pause(&mut pause, deadline).await
                }
            };
            if is_final {
                return Err(if may_take_effect { ProposeError::OutcomeUnknown } else { error });
            }
        }
    }

    /// Proposes a command of the cluster's own, in the lane that overload never blocks; on the leader only.
    ///
    /// # Errors
    ///
    /// As [`Replica::propose`], after one attempt.
    pub async fn propose_internal(
        &self,
        command: Command,
        deadline: Instant,
    ) -> Result<Applied, ProposeError> {
        if !self.leadership().is_own {
            return Err(ProposeError::NotLeader);
        }
        let request = Request { id: None, principal: Principal::Internal, command };
        let encoded = codec::encode_request(&request).map_err(|_| ProposeError::Malformed)?;
        let (sender, outcomes) = oneshot::channel();
        self.parts
            .proposer
            .push_internal(Group { requests: vec![encoded], notify: Notify::Internal(sender) });
        match tokio::time::timeout_at(deadline, outcomes).await {
            Ok(Ok(outcomes)) => outcomes?.pop().ok_or(ProposeError::OutcomeUnknown),
            Ok(Err(_)) | Err(_) => Err(ProposeError::OutcomeUnknown),
        }
    }

    fn route(&self, group: Group) {
        match self.leadership() {
            Leadership { is_own: true, .. } => self.parts.proposer.push(group),
            Leadership { leader: Some(_), .. } => self.parts.hand_over.push(group),
            Leadership { leader: None, .. } => {
                if let Notify::Waiter(waiter) = group.notify {
                    self.parts.waiting.fail(waiter, ProposeError::NoLeader);
                }
            }
        }
    }
}
