//! `Submit`: many calls in flight on one stream. What is answered at the same time goes back in one message.

#[cfg(test)]
mod tests;

use std::pin::pin;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::call::Command as Body;
use holdfast_proto::v1::reply::Result as Outcome;
use holdfast_reservations::{Command, RequestId};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::access::{self, Endpoint};
use crate::grpc::translate;
use crate::http::{key_of_uuid, payload_hash};
use crate::limits::Remote;
use crate::problem::{Problem, Result};
use crate::service::{CallContext, Caller, Service};

/// Calls of one stream that may be in flight; more are read when some are answered.
const IN_FLIGHT_MAX: usize = 4096;

/// Replies put into one message.
const REPLIES_PER_MESSAGE_MAX: usize = 512;

/// Messages of replies that may wait for a slow reader; then nothing more is read from him.
const MESSAGES_WAITING_MAX: usize = 16;

type Message = std::result::Result<proto::SubmitReply, Status>;

/// Who calls, if what he shows still counts, and from where.
#[derive(Clone)]
struct From {
    caller: Result<Caller>,
    remote: Option<Remote>,
}

/// Serves one stream until the caller ends it and everything is answered.
pub(super) fn serve(
    service: Service,
    token: String,
    remote: Option<Remote>,
    requests: Streaming<proto::SubmitRequest>,
) -> impl Stream<Item = Message> {
    let (replies, outgoing) = mpsc::channel(MESSAGES_WAITING_MAX);
    tokio::spawn(async move {
        if let Err(status) = run(&service, &token, remote, requests, &replies).await {
            drop(replies.send(Err(status)).await);
        }
    });
    ReceiverStream::new(outgoing)
}

async fn run(
    service: &Service,
    token: &str,
    remote: Option<Remote>,
    requests: Streaming<proto::SubmitRequest>,
    replies: &mpsc::Sender<Message>,
) -> std::result::Result<(), Status> {
    let batches = requests.then(|request| async move {
        let request = request?;
        let deadline = Instant::now() + service.settings().deadline;
        let caller = service.identify(Endpoint::Book, Some(token), deadline).await;
        // A caller who has been revoked meanwhile is told so call by call: a stream that broke off would leave him in
        // doubt about each of them.
        let from = From { caller, remote };
        Ok(request.calls.into_iter().map(move |call| (from.clone(), call)))
    });
    pump(pin!(batches), |(from, call)| answer(service, from, call), replies).await
}

/// Answers the calls of all batches, so many at a time, until there are no more or nobody reads.
async fn pump<Batch: Iterator, Answer: Future<Output = proto::Reply>>(
    mut batches: impl Stream<Item = std::result::Result<Batch, Status>> + Unpin,
    answer: impl Fn(Batch::Item) -> Answer,
    replies: &mpsc::Sender<Message>,
) -> std::result::Result<(), Status> {
    let mut in_flight = FuturesUnordered::new();
    let mut batch = None::<Batch>;
    let mut is_open = true;
    loop {
        // A batch begins as places become free; only then is the next one read.
        while in_flight.len() < IN_FLIGHT_MAX
            && let Some(calls) = &mut batch
        {
            match calls.next() {
                Some(call) => in_flight.push(answer(call)),
                None => batch = None,
            }
        }
        if !is_open && in_flight.is_empty() {
            return Ok(());
        }
        tokio::select! {
            next = batches.next(), if is_open && batch.is_none() => {
                batch = next.transpose()?;
                is_open = batch.is_some();
            },
            Some(first) = in_flight.next() => {
                if replies.send(Ok(message_of(first, &mut in_flight))).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// A message that begins with a reply; what else is there already goes along.
fn message_of(
    first: proto::Reply,
    in_flight: &mut FuturesUnordered<impl Future<Output = proto::Reply>>,
) -> proto::SubmitReply {
    let mut replies = vec![first];
    while replies.len() < REPLIES_PER_MESSAGE_MAX
        && let Some(Some(next)) = in_flight.next().now_or_never()
    {
        replies.push(next);
    }
    proto::SubmitReply { replies }
}

async fn answer(service: &Service, from: From, call: proto::Call) -> proto::Reply {
    let started_at = Instant::now();
    // A call that waited for its place has all of its time.
    let deadline = started_at + service.settings().deadline;
    let request_id = call.request_id.clone();
    let result = match submit(service, from, call, deadline).await {
        Ok(booking) => Outcome::Booking(booking),
        Err(problem) => Outcome::Problem(translate::problem(&problem)),
    };
    let status = match &result {
        Outcome::Booking(_) => 200,
        Outcome::Problem(problem) => u16::try_from(problem.status).unwrap_or(500),
    };
    service.metrics().answered("stream", status, started_at.elapsed());
    proto::Reply { request_id, result: Some(result) }
}

async fn submit(
    service: &Service,
    From { caller, remote }: From,
    call: proto::Call,
    deadline: Instant,
) -> Result<proto::Booking> {
    service.limits().count_address(remote.as_ref())?;
    let caller = caller?;
    service.limits().count_user(caller.user)?;
    let key = <[u8; 16]>::try_from(call.request_id.as_ref());
    let key = key.map_err(|_| Problem::malformed("request_id is the 16 bytes of a UUID"))?;
    let body = call.command.ok_or_else(|| Problem::malformed("the call has no command"))?;
    let (endpoint, method, bytes, command) = match body {
        Body::Book(body) => (Endpoint::Book, "Book", body.encode_to_vec(), translate::book_from(&body)?),
        Body::Modify(body) => {
            let command = Command::Modify(translate::modify_from(&body)?);
            (Endpoint::ChangeBooking, "Modify", body.encode_to_vec(), command)
        }
        Body::Cancel(body) => (
            Endpoint::CancelBooking,
            "Cancel",
            body.encode_to_vec(),
            Command::Cancel(translate::cancel_from(&body)),
        ),
        Body::Confirm(body) => {
            let command = Command::Confirm(translate::confirm_from(&body)?);
            (Endpoint::ChangeBooking, "Confirm", body.encode_to_vec(), command)
        }
        Body::Extend(body) => {
            let command = Command::Extend(translate::extend_from(&body)?);
            (Endpoint::ChangeBooking, "Extend", body.encode_to_vec(), command)
        }
        Body::CheckIn(body) => {
            let command = Command::CheckIn(translate::check_in_from(&body));
            (Endpoint::CheckIn, "CheckIn", body.encode_to_vec(), command)
        }
    };
    if !access::allows(endpoint, caller.role) {
        return Err(Problem::forbidden());
    }
    // The same call has the same name whether it comes alone or on a stream.
    let id = RequestId { key: key_of_uuid(key), payload_hash: payload_hash("gRPC", method, &bytes) };
    let (id, booking, _) = service.change_booking(caller, command, &CallContext { id, deadline }).await?;
    Ok(translate::booking(id, &booking))
}
