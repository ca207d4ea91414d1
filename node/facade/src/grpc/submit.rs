//! `Submit`: many calls in flight on one stream. What is answered at the same time goes back in one message.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::call::Command as Body;
use holdfast_proto::v1::reply::Result as Outcome;
use holdfast_reservations::{Command, RequestId, RequestKey};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::access::{self, Endpoint};
use crate::grpc::translate;
use crate::http::payload_hash;
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

/// Who calls, and from where.
#[derive(Clone, Copy)]
struct From {
    caller: Caller,
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
    mut requests: Streaming<proto::SubmitRequest>,
    replies: &mpsc::Sender<Message>,
) -> std::result::Result<(), Status> {
    let mut in_flight = FuturesUnordered::new();
    let mut is_open = true;
    while is_open || !in_flight.is_empty() {
        tokio::select! {
            request = requests.message(), if is_open && in_flight.len() < IN_FLIGHT_MAX => match request? {
                None => is_open = false,
                Some(request) => {
                    let deadline = Instant::now() + service.settings().deadline;
                    let caller = service.identify(Endpoint::Book, Some(token), deadline).await;
                    let caller = caller.map_err(|problem| translate::status_of(&problem))?;
                    let from = From { caller, remote };
                    in_flight.extend(request.calls.into_iter().map(|call| answer(service, from, call, deadline)));
                }
            },
            Some(first) = in_flight.next() => {
                let mut message = proto::SubmitReply { replies: vec![first] };
                // What else is there already goes along.
                while message.replies.len() < REPLIES_PER_MESSAGE_MAX
                    && let Some(Some(next)) = futures_util::FutureExt::now_or_never(in_flight.next())
                {
                    message.replies.push(next);
                }
                if replies.send(Ok(message)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn answer(service: &Service, from: From, call: proto::Call, deadline: Instant) -> proto::Reply {
    let started_at = Instant::now();
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
    service.limits().count_user(caller.user)?;
    let key = <[u8; 16]>::try_from(call.request_id.as_ref());
    let key = key.map_err(|_| Problem::malformed("request_id is the 16 bytes of a UUID"))?;
    let body = call.command.ok_or_else(|| Problem::malformed("the call has no command"))?;
    let (endpoint, method, bytes, command) = match body {
        Body::Book(body) => {
            (Endpoint::Book, "Book", body.encode_to_vec(), Command::Book(translate::book_from(&body)?))
        }
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
        Body::CheckIn(body) => {
            let command = Command::CheckIn(translate::check_in_from(&body));
            (Endpoint::CheckIn, "CheckIn", body.encode_to_vec(), command)
        }
    };
    if !access::allows(endpoint, caller.role) {
        return Err(Problem::forbidden());
    }
    // The same call has the same name whether it comes alone or on a stream.
    let id = RequestId { key: RequestKey::Uuid(key), payload_hash: payload_hash("gRPC", method, &bytes) };
    let (id, booking, _) = service.change_booking(caller, command, &CallContext { id, deadline }).await?;
    Ok(translate::booking(id, &booking))
}
