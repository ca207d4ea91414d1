//! The one task behind a client: keeps a stream to some node, sends what waits in batches, and sends again what a broken
//! stream left open.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use holdfast_proto::v1 as proto;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Permit};
use tokio::time::{Interval, MissedTickBehavior};
use tonic::Status;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Certificate;

use crate::calls::{Calls, Operation};
use crate::error::refusal_from;
use crate::line::Line;

/// Between two attempts to reach a node; a random part keeps many clients apart.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// How often calls past their deadline are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

pub(crate) struct Driver {
    endpoints: Vec<String>,
    /// Who has signed the certificates of the nodes; whoever this machine trusts if `None`.
    authority: Option<Certificate>,
    /// Which endpoint to try next.
    position: usize,
    token: AsciiMetadataValue,
    queue: mpsc::Receiver<Operation>,
    /// Whether the client is gone: no more calls come.
    is_closed: bool,
    calls: Calls,
    sweep: Interval,
    pause: Duration,
}

/// What happens next on a stream.
enum Next<'line> {
    Operation(Option<Operation>),
    /// The stream takes another message.
    Room(Permit<'line, proto::SubmitRequest>),
    Reply(proto::SubmitReply),
    Sweep,
    Broken,
}

impl Driver {
    pub(crate) fn new(
        endpoints: Vec<String>,
        authority: Option<Certificate>,
        token: AsciiMetadataValue,
        queue: mpsc::Receiver<Operation>,
    ) -> Self {
        let position = rand::random_range(0..endpoints.len().max(1));
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (is_closed, calls) = (false, Calls::default());
        Self { endpoints, authority, position, token, queue, is_closed, calls, sweep, pause: PAUSE_MIN }
    }

    /// Runs until the client is gone and everything is answered.
    pub(crate) async fn run(mut self) {
        loop {
            // Nobody waits: no need for a connection.
            if self.calls.is_empty() {
                let Some(operation) = self.queue.recv().await else { return };
                self.calls.note(operation);
            }
            let address = self.endpoints[self.position % self.endpoints.len()].clone();
            let line =
                Line::open(address, self.endpoints.clone(), self.authority.clone(), self.token.clone());
            match self.meanwhile(line).await {
                Ok(line) => self.serve(line).await,
                Err(status) => self.refuse_all_if_refused(&status),
            }
            self.position += 1;
            let pause = self.pause.mul_f64(rand::random_range(0.5..1.5));
            self.meanwhile(tokio::time::sleep(pause)).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        }
    }

    /// Waits for something; calls come in, and run out of time, meanwhile.
    async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> T {
        let mut something = std::pin::pin!(something);
        loop {
            tokio::select! {
                done = &mut something => return done,
                operation = self.queue.recv(), if self.takes_calls() => self.take(operation),
                _ = self.sweep.tick() => self.calls.sweep(),
            }
        }
    }

    /// Sends and receives until the stream breaks, the node is of no use, or the client is gone and everything is
    /// answered.
    async fn serve(&mut self, mut line: Line) {
        self.calls.resend();
        loop {
            let takes_calls = self.takes_calls();
            let next = tokio::select! {
                reply = line.replies.message() => match reply {
                    Ok(Some(reply)) => Next::Reply(reply),
                    Ok(None) | Err(_) => Next::Broken,
                },
                room = line.requests.reserve(), if self.calls.wait_to_be_sent() => {
                    room.map_or(Next::Broken, Next::Room)
                }
                operation = self.queue.recv(), if takes_calls => Next::Operation(operation),
                _ = self.sweep.tick() => Next::Sweep,
            };
            match next {
                Next::Operation(operation) => {
                    self.take(operation);
                    self.send_at_once(&line.requests);
                }
                Next::Room(permit) => drop(self.calls.next_message().map(|message| permit.send(message))),
                Next::Reply(reply) => {
                    self.pause = PAUSE_MIN;
                    reply.replies.into_iter().for_each(|reply| self.calls.settle(reply));
                }
                Next::Sweep => self.calls.sweep(),
                Next::Broken => break,
            }
            if self.calls.are_stuck() || (self.is_closed && self.calls.is_empty()) {
                break;
            }
        }
        self.calls.lose_stream();
    }

    fn takes_calls(&self) -> bool {
        !self.is_closed && self.calls.have_room()
    }

    /// Notes a call, and with it those that wait behind it.
    fn take(&mut self, first: Option<Operation>) {
        match first {
            None => self.is_closed = true,
            Some(first) => self.calls.note(first),
        }
        while self.takes_calls()
            && let Ok(next) = self.queue.try_recv()
        {
            self.calls.note(next);
        }
    }

    /// Sends what the stream takes without waiting.
    fn send_at_once(&mut self, requests: &mpsc::Sender<proto::SubmitRequest>) {
        while self.calls.wait_to_be_sent() {
            match requests.try_reserve() {
                Ok(permit) => drop(self.calls.next_message().map(|message| permit.send(message))),
                // There will be room, or the stream is broken: the next wait tells.
                Err(TrySendError::Full(()) | TrySendError::Closed(())) => return,
            }
        }
    }

    /// A token that no node takes will not get better by waiting.
    fn refuse_all_if_refused(&mut self, status: &Status) {
        if let Some(refusal) = refusal_from(status).filter(|refusal| matches!(refusal.status, 401 | 403)) {
            self.calls.refuse_all(&refusal);
        }
    }
}
