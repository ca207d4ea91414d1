//! The calls in flight: what is open, what goes out next, and what each caller is told.

#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::call::Command;
use holdfast_proto::v1::reply::Result as Outcome;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::booking::Booking;
use crate::error::{Error, Refusal};

/// Callers that may wait; further ones wait in the queue.
pub(crate) const IN_FLIGHT_MAX: usize = 4096;

/// Calls of one message.
const CALLS_PER_MESSAGE_MAX: usize = 512;

/// A node that settles nothing for so long while calls are open has had its chance. It may be cut off from the others, and
/// then it goes on answering 503 while they could do it.
const UNSETTLED_DURATION_MAX: Duration = Duration::from_secs(3);

pub(crate) type Answer = Result<Booking, Error>;

/// A call of a caller.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) request_id: Uuid,
    pub(crate) command: Command,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// All calls that are not answered.
#[derive(Default)]
pub(crate) struct Calls {
    open: HashMap<Uuid, Call>,
    /// To be sent with the next message. Some may be answered already.
    outbox: VecDeque<Uuid>,
    /// Answered "not now"; to be sent again.
    postponed: Vec<Uuid>,
    waiters: usize,
    /// Since when something is open and nothing was settled.
    unsettled_since: Option<Instant>,
}

/// One request, and who waits for its answer.
struct Call {
    command: Command,
    waiters: Vec<Waiter>,
    /// Whether it is on its way to a node.
    is_sent: bool,
    /// Whether an earlier attempt may have taken effect.
    is_unsure: bool,
}

struct Waiter {
    deadline: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Calls {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn have_room(&self) -> bool {
        self.waiters < IN_FLIGHT_MAX
    }

    /// Notes a call. A second caller under the same id waits for the same answer.
    pub(crate) fn note(&mut self, operation: Operation) {
        let Operation { request_id, command, deadline, answer } = operation;
        let call = match self.open.entry(request_id) {
            Entry::Vacant(free) => {
                self.outbox.push_back(request_id);
                free.insert(Call { command, waiters: Vec::new(), is_sent: false, is_unsure: false })
            }
            Entry::Occupied(known) if known.get().command != command => {
                let says = format!("request {request_id} is on its way already, and asks for something else");
                drop(answer.send(Err(Error::Setup(says))));
                return;
            }
            Entry::Occupied(known) => known.into_mut(),
        };
        call.waiters.push(Waiter { deadline, answer });
        self.waiters += 1;
    }

    /// What is to be sent now; `None` if nothing is.
    pub(crate) fn next_message(&mut self) -> Option<proto::SubmitRequest> {
        let mut calls = Vec::with_capacity(self.outbox.len().min(CALLS_PER_MESSAGE_MAX));
        while calls.len() < CALLS_PER_MESSAGE_MAX
            && let Some(id) = self.outbox.pop_front()
        {
            let Some(call) = self.open.get_mut(&id) else { continue };
            call.is_sent = true;
            let request_id = id.as_bytes().to_vec().into();
            calls.push(proto::Call { request_id, command: Some(call.command.clone()) });
        }
        (!calls.is_empty()).then_some(proto::SubmitRequest { calls })
    }

    /// Whether there is something to be sent.
    pub(crate) fn wait_to_be_sent(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Passes on what a node answered.
    pub(crate) fn settle(&mut self, reply: proto::Reply) {
        let Ok(id) = Uuid::from_slice(&reply.request_id) else { return };
        let Some(call) = self.open.get_mut(&id) else { return };
        let answer = match reply.result {
            Some(Outcome::Booking(booking)) => Ok(booking.into()),
            // Not now: the same call under the same id until its deadline. Only 503 says that it came to nothing.
            Some(Outcome::Problem(problem)) if problem.status >= 500 => {
                call.is_sent = false;
                call.is_unsure |= problem.status != 503;
                self.postponed.push(id);
                return;
            }
            Some(Outcome::Problem(problem)) => Err(call.refused(id, Refusal::from(problem))),
            None => return,
        };
        self.unsettled_since = Some(Instant::now());
        self.answer(id, &answer);
    }

    /// A new stream: everything that is open goes there, under the same ids.
    pub(crate) fn resend(&mut self) {
        self.postponed.clear();
        self.outbox = self.open.keys().copied().collect();
        self.unsettled_since = Some(Instant::now());
    }

    /// Notes that nobody will answer what was sent on a stream that broke.
    pub(crate) fn lose_stream(&mut self) {
        for call in self.open.values_mut() {
            call.is_unsure |= std::mem::take(&mut call.is_sent);
        }
    }

    /// Sends what was postponed, and answers callers whose time is over.
    pub(crate) fn sweep(&mut self) {
        self.outbox.extend(self.postponed.drain(..));
        let now = Instant::now();
        let mut left = 0;
        self.open.retain(|id, call| {
            let in_doubt = call.is_sent || call.is_unsure;
            for waiter in call.waiters.extract_if(.., |waiter| waiter.deadline <= now) {
                let error = match in_doubt {
                    true => Error::Unknown { request_id: *id },
                    false => Error::Unavailable("no node could take the call in time".to_owned()),
                };
                drop(waiter.answer.send(Err(error)));
            }
            left += call.waiters.len();
            !call.waiters.is_empty()
        });
        self.waiters = left;
        self.outbox.retain(|id| self.open.contains_key(id));
        self.unsettled_since = match self.open.is_empty() {
            true => None,
            false => self.unsettled_since.or(Some(now)),
        };
    }

    /// Whether the node has had its chance.
    pub(crate) fn are_stuck(&self) -> bool {
        self.unsettled_since.is_some_and(|since| since.elapsed() >= UNSETTLED_DURATION_MAX)
    }

    /// Answers everything by a refusal that is about no call in particular.
    pub(crate) fn refuse_all(&mut self, refusal: &Refusal) {
        for (id, call) in self.open.drain() {
            let error = call.refused(id, refusal.clone());
            for waiter in call.waiters {
                drop(waiter.answer.send(Err(error.clone())));
            }
        }
        *self = Self::default();
    }

    fn answer(&mut self, id: Uuid, answer: &Answer) {
        let Some(call) = self.open.remove(&id) else { return };
        self.waiters -= call.waiters.len();
        for waiter in call.waiters {
            drop(waiter.answer.send(answer.clone()));
        }
        if self.open.is_empty() {
            self.unsettled_since = None;
        }
    }
}

impl Call {
    /// What a refusal means: when an earlier attempt may have taken effect, only one that the cluster remembers tells.
    fn refused(&self, request_id: Uuid, refusal: Refusal) -> Error {
        match self.is_unsure && !refusal.is_remembered() {
            true => Error::Unknown { request_id },
            false => Error::Refused(refusal),
        }
    }
}
