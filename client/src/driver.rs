//! The one task behind a client: keeps a stream to some node, sends what waits in batches, and sends again what a broken
//! stream left open.

use std::collections::HashMap;
use std::time::Duration;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::call::Command;
use holdfast_proto::v1::reply::Result as Outcome;
use holdfast_proto::v1::reservations_client::ReservationsClient;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Endpoint;
use tonic::{Request, Streaming};
use uuid::Uuid;

use crate::booking::Booking;
use crate::error::{Error, Refusal, refusal_from};

/// Calls that may be in flight; further callers wait.
pub(crate) const IN_FLIGHT_MAX: usize = 4096;

/// Calls of one message.
const CALLS_PER_MESSAGE_MAX: usize = 512;

/// Messages on their way out.
const MESSAGES_AHEAD_MAX: usize = 8;

const CONNECT_DURATION_MAX: Duration = Duration::from_secs(1);

/// Between two attempts to reach a node; a random part keeps many clients apart.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// How often calls past their deadline are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

/// Which node leads, for clients that would rather ask it directly.
const LEADER_HEADER: &str = "holdfast-leader";

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) request_id: Uuid,
    pub(crate) command: Command,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Result<Booking, Error>>,
    /// Whether it is on its way to a node.
    pub(crate) is_sent: bool,
    /// Whether an earlier attempt may have taken effect.
    pub(crate) is_unsure: bool,
}

pub(crate) struct Driver {
    endpoints: Vec<String>,
    /// Which endpoint to try next.
    position: usize,
    token: AsciiMetadataValue,
    queue: mpsc::Receiver<Operation>,
    open: HashMap<Uuid, Operation>,
    /// Answered "not now"; to be sent again.
    postponed: Vec<Uuid>,
    pause: Duration,
}

/// A stream to a node.
struct Line {
    requests: mpsc::Sender<proto::SubmitRequest>,
    replies: Streaming<proto::SubmitReply>,
}

/// What happens next on a stream.
enum Next {
    Operation(Operation),
    Reply(proto::SubmitReply),
    Sweep,
    Broken,
    Closed,
}

impl Driver {
    pub(crate) fn new(
        endpoints: Vec<String>,
        token: AsciiMetadataValue,
        queue: mpsc::Receiver<Operation>,
    ) -> Self {
        let position = rand::random_range(0..endpoints.len().max(1));
        let (open, postponed) = (HashMap::new(), Vec::new());
        Self { endpoints, position, token, queue, open, postponed, pause: PAUSE_MIN }
    }

    /// Runs until the client is gone and everything is answered.
    pub(crate) async fn run(mut self) {
        loop {
            // Nobody waits: no need for a connection.
            if self.open.is_empty() {
                let Some(operation) = self.queue.recv().await else { return };
                self.open.insert(operation.request_id, operation);
            }
            match self.connect().await {
                Ok(line) => {
                    self.pause = PAUSE_MIN;
                    if self.serve(line).await.is_none() {
                        return;
                    }
                    self.lose_stream();
                }
                Err(refused) => self.fail_all_if_refused(&refused),
            }
            self.position += 1;
            tokio::time::sleep(self.pause.mul_f64(rand::random_range(0.5..1.5))).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            self.sweep();
        }
    }

    /// Connects to the next endpoint, or to the leader it names.
    async fn connect(&mut self) -> Result<Line, tonic::Status> {
        let endpoint = self.endpoints[self.position % self.endpoints.len()].clone();
        let (line, leader) = self.open_line(&endpoint).await?;
        match leader.filter(|leader| *leader != endpoint && self.endpoints.contains(leader)) {
            None => Ok(line),
            Some(leader) => match self.open_line(&leader).await {
                Ok((line, _)) => Ok(line),
                Err(_) => Ok(line),
            },
        }
    }

    async fn open_line(&self, endpoint: &str) -> Result<(Line, Option<String>), tonic::Status> {
        let unusable = |error: tonic::transport::Error| tonic::Status::unavailable(error.to_string());
        let channel = Endpoint::from_shared(format!("http://{endpoint}")).map_err(unusable)?;
        let channel = channel.connect_timeout(CONNECT_DURATION_MAX).tcp_nodelay(true).connect().await;
        let mut client = ReservationsClient::new(channel.map_err(unusable)?);
        let (requests, outgoing) = mpsc::channel(MESSAGES_AHEAD_MAX);
        let mut request = Request::new(ReceiverStream::new(outgoing));
        request.metadata_mut().insert("authorization", self.token.clone());
        let response = client.submit(request).await?;
        let leader =
            response.metadata().get(LEADER_HEADER).and_then(|value| value.to_str().ok().map(str::to_owned));
        Ok((Line { requests, replies: response.into_inner() }, leader))
    }

    /// Sends and receives until the stream breaks. `None` when the client is gone and everything is answered.
    async fn serve(&mut self, mut line: Line) -> Option<()> {
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        let mut is_closed = false;
        // What an earlier stream left open is asked again, under the same ids.
        let unanswered: Vec<Uuid> = self.open.keys().copied().collect();
        if self.send(&line, &unanswered).await.is_none() {
            return Some(());
        }
        loop {
            let has_room = self.open.len() < IN_FLIGHT_MAX && !is_closed;
            let next = tokio::select! {
                reply = line.replies.message() => match reply {
                    Ok(Some(reply)) => Next::Reply(reply),
                    Ok(None) | Err(_) => Next::Broken,
                },
                operation = self.queue.recv(), if has_room => operation.map_or(Next::Closed, Next::Operation),
                _ = sweep.tick() => Next::Sweep,
            };
            match next {
                Next::Operation(first) => {
                    let ids = self.take_waiting(first);
                    if self.send(&line, &ids).await.is_none() {
                        return Some(());
                    }
                }
                Next::Reply(reply) => reply.replies.into_iter().for_each(|reply| self.settle(reply)),
                Next::Sweep => {
                    self.sweep();
                    let postponed = std::mem::take(&mut self.postponed);
                    if self.send(&line, &postponed).await.is_none() {
                        return Some(());
                    }
                }
                Next::Broken => return Some(()),
                Next::Closed => is_closed = true,
            }
            if is_closed && self.open.is_empty() {
                return None;
            }
        }
    }

    /// Notes a call, and with it those that wait behind it; their ids.
    fn take_waiting(&mut self, first: Operation) -> Vec<Uuid> {
        let mut ids = vec![first.request_id];
        self.open.insert(first.request_id, first);
        while ids.len() < CALLS_PER_MESSAGE_MAX
            && let Ok(next) = self.queue.try_recv()
        {
            ids.push(next.request_id);
            self.open.insert(next.request_id, next);
        }
        ids
    }

    /// Sends open calls. `None` if the stream is broken.
    async fn send(&mut self, line: &Line, ids: &[Uuid]) -> Option<()> {
        for ids in ids.chunks(CALLS_PER_MESSAGE_MAX) {
            let mut calls = Vec::with_capacity(ids.len());
            for id in ids {
                let Some(operation) = self.open.get_mut(id) else { continue };
                operation.is_sent = true;
                let request_id = id.as_bytes().to_vec().into();
                calls.push(proto::Call { request_id, command: Some(operation.command) });
            }
            if !calls.is_empty() {
                line.requests.send(proto::SubmitRequest { calls }).await.ok()?;
            }
        }
        Some(())
    }

    fn settle(&mut self, reply: proto::Reply) {
        let Ok(id) = Uuid::from_slice(&reply.request_id) else { return };
        let result = match reply.result {
            Some(Outcome::Booking(booking)) => Ok(booking.into()),
            // Not now: the same call under the same id until its deadline.
            Some(Outcome::Problem(problem)) if problem.status >= 500 => {
                return self.postpone(id, problem.status);
            }
            Some(Outcome::Problem(problem)) => Err(Error::Refused(Refusal::from(problem))),
            None => return,
        };
        if let Some(operation) = self.open.remove(&id) {
            drop(operation.answer.send(result));
        }
    }

    /// Keeps a call for another attempt. Only 503 says that this one came to nothing.
    fn postpone(&mut self, id: Uuid, status: u32) {
        let Some(operation) = self.open.get_mut(&id) else { return };
        operation.is_sent = false;
        operation.is_unsure |= status != 503;
        self.postponed.push(id);
    }

    /// Notes that nobody will answer what was sent on a stream that broke.
    fn lose_stream(&mut self) {
        for operation in self.open.values_mut() {
            operation.is_unsure |= std::mem::take(&mut operation.is_sent);
        }
        self.postponed.clear();
    }

    /// Answers calls whose time is over.
    fn sweep(&mut self) {
        let now = Instant::now();
        let late: Vec<Uuid> =
            self.open.values().filter(|open| open.deadline <= now).map(|open| open.request_id).collect();
        for request_id in late {
            let Some(operation) = self.open.remove(&request_id) else { continue };
            let error = match operation.is_sent || operation.is_unsure {
                true => Error::Unknown { request_id },
                false => Error::Unavailable("no node could take the call in time".to_owned()),
            };
            drop(operation.answer.send(Err(error)));
        }
    }

    /// A token that no node takes will not get better by waiting.
    fn fail_all_if_refused(&mut self, status: &tonic::Status) {
        let Some(refusal) = refusal_from(status).filter(|refusal| matches!(refusal.status, 401 | 403)) else {
            return;
        };
        for (_, operation) in self.open.drain() {
            drop(operation.answer.send(Err(Error::Refused(refusal.clone()))));
        }
    }
}
