//! The gRPC face: `Reservations`, `Watch` and `Cluster`, on the same port and over the same service as HTTP.

mod cluster;
mod health;
mod submit;
mod translate;
mod watch;

use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::middleware::Next;
use holdfast_proto::v1 as proto;
use holdfast_proto::v1::cluster_server::ClusterServer;
use holdfast_proto::v1::reservations_server::{Reservations, ReservationsServer};
use holdfast_proto::v1::watch_server::WatchServer;
use holdfast_raft::Consistency;
use holdfast_reservations::{BookingId, Command, SlotId, UserId};
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::access::Endpoint;
use crate::grpc::translate::{
    book_from, booking, cancel_from, check_in_from, confirm_from, extend_from, modify_from, status_of,
};
use crate::http::{CallName, payload_hash};
use crate::limits::Remote;
use crate::problem::{Problem, Result};
use crate::service::{Asked, BookingFilter, CallContext, Caller, DEADLINE_MAX, Service};

/// The largest message of a client: a batch of a few thousand calls.
const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// Where the leader is, as this node knows it.
const LEADER_HEADER: &str = "holdfast-leader";

/// A message and its answer: each has as long as a call may take at most. Streams end when they end.
const EXCHANGE_DURATION_MAX: Duration = Duration::from_secs(2 * DEADLINE_MAX.as_secs());

/// The gRPC services of a node, as a router to be merged with the one that serves HTTP.
pub(crate) fn router(service: Service) -> Router {
    let router = routes(service).prepare().into_axum_router().reset_fallback();
    router.layer(axum::middleware::from_fn(in_time))
}

/// Ends a call whose message does not come: nobody else limits how long that may take.
async fn in_time(request: axum::extract::Request, next: Next) -> axum::response::Response {
    let answered = tokio::time::timeout(EXCHANGE_DURATION_MAX, next.run(request)).await;
    answered.unwrap_or_else(|_| Status::deadline_exceeded("the message did not arrive in time").into_http())
}

fn routes(service: Service) -> tonic::service::Routes {
    let health = health::service(service.replica().clone());
    let cluster = ClusterServer::new(Grpc { service: service.clone() });
    let cluster = cluster.max_decoding_message_size(MESSAGE_BYTES_MAX);
    let watch = WatchServer::new(Grpc { service: service.clone() });
    let watch = watch.max_decoding_message_size(MESSAGE_BYTES_MAX);
    let reservations = ReservationsServer::new(Grpc { service }).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(holdfast_proto::v1::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    let routes = tonic::service::Routes::new(reservations);
    let routes = routes.add_service(watch).add_service(cluster).add_service(health);
    match reflection {
        Ok(reflection) => routes.add_service(reflection),
        Err(error) => {
            tracing::error!(%error, "gRPC reflection is not offered");
            routes
        }
    }
}

struct Grpc {
    service: Service,
}

impl Grpc {
    async fn caller<T>(&self, request: &Request<T>, endpoint: Endpoint, deadline: Instant) -> Result<Caller> {
        self.service.limits().count_address(remote(request))?;
        self.service.admit(endpoint, bearer(request.metadata())?, deadline).await
    }

    async fn asked<T>(&self, request: &Request<T>, endpoint: Endpoint, deadline: Instant) -> Result<Asked> {
        let caller = self.caller(request, endpoint, deadline).await?;
        Ok(Asked { caller, consistency: Consistency::Linearizable, deadline })
    }

    fn deadline<T>(&self, request: &Request<T>) -> Instant {
        Instant::now()
            + timeout(request.metadata()).unwrap_or(self.service.settings().deadline).min(DEADLINE_MAX)
    }

    /// Proposes the command of a unary call.
    async fn change<T: prost::Message>(
        &self,
        request: Request<T>,
        endpoint: Endpoint,
        method: &'static str,
        command: impl FnOnce(T) -> Result<Command>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        let started_at = Instant::now();
        let changed = async {
            let deadline = self.deadline(&request);
            let caller = self.caller(&request, endpoint, deadline).await?;
            let name = CallName::of(&request.metadata().clone().into_headers())?;
            let message = request.into_inner();
            let payload_hash = payload_hash("gRPC", method, &message.encode_to_vec());
            let call = CallContext { id: name.request_id(payload_hash), deadline };
            let (id, changed, _) = self.service.change_booking(caller, command(message)?, &call).await?;
            Ok(booking(id, &changed))
        };
        self.answer(changed.await, started_at)
    }

    fn answer<T>(&self, result: Result<T>, started_at: Instant) -> std::result::Result<Response<T>, Status> {
        let status = result.as_ref().map_or_else(|problem| problem.status, |_| 200);
        self.service.metrics().answered("grpc", status, started_at.elapsed());
        result.map(Response::new).map_err(|problem| status_of(&problem))
    }
}

#[tonic::async_trait]
impl Reservations for Grpc {
    type SubmitStream = Pin<Box<dyn Stream<Item = std::result::Result<proto::SubmitReply, Status>> + Send>>;

    async fn book(
        &self,
        request: Request<proto::BookRequest>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        self.change(request, Endpoint::Book, "Book", |body| book_from(&body)).await
    }

    async fn modify(
        &self,
        request: Request<proto::ModifyRequest>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        self.change(request, Endpoint::ChangeBooking, "Modify", |body| {
            modify_from(&body).map(Command::Modify)
        })
        .await
    }

    async fn cancel(
        &self,
        request: Request<proto::CancelRequest>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        self.change(request, Endpoint::CancelBooking, "Cancel", |body| {
            Ok(Command::Cancel(cancel_from(&body)))
        })
        .await
    }

    async fn check_in(
        &self,
        request: Request<proto::CheckInRequest>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        self.change(request, Endpoint::CheckIn, "CheckIn", |body| Ok(Command::CheckIn(check_in_from(&body))))
            .await
    }

    async fn confirm(
        &self,
        request: Request<proto::ConfirmRequest>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        self.change(request, Endpoint::ChangeBooking, "Confirm", |body| {
            confirm_from(&body).map(Command::Confirm)
        })
        .await
    }

    async fn extend(
        &self,
        request: Request<proto::ExtendRequest>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        self.change(request, Endpoint::ChangeBooking, "Extend", |body| {
            extend_from(&body).map(Command::Extend)
        })
        .await
    }

    async fn get(
        &self,
        request: Request<proto::GetRequest>,
    ) -> std::result::Result<Response<proto::Booking>, Status> {
        let started_at = Instant::now();
        let found = async {
            let deadline = self.deadline(&request);
            let asked = self.asked(&request, Endpoint::ReadBookings, deadline).await?;
            let id = BookingId(request.get_ref().booking_id);
            let read = self.service.booking(asked, id).await?;
            Ok(booking(id, &read.value))
        };
        self.answer(found.await, started_at)
    }

    async fn list(
        &self,
        request: Request<proto::ListRequest>,
    ) -> std::result::Result<Response<proto::ListReply>, Status> {
        let started_at = Instant::now();
        let listed = async {
            let deadline = self.deadline(&request);
            let asked = self.asked(&request, Endpoint::ReadBookings, deadline).await?;
            let body = request.get_ref();
            let limit = match body.limit.unwrap_or(50) {
                limit @ 1..=200 => limit as usize,
                _ => return Err(Problem::senseless("limit is from 1 to 200")),
            };
            let filter = BookingFilter {
                user: body.user_id.map(UserId),
                slot: body.slot_id.map(SlotId),
                status: None,
            };
            let after = body.after.map(BookingId);
            let read = self.service.bookings(asked, filter, after, limit).await?;
            let items = read.value.items.iter().map(|(id, found)| booking(*id, found)).collect();
            Ok(proto::ListReply { items, next: read.value.next.map(|id| id.0) })
        };
        self.answer(listed.await, started_at)
    }

    async fn submit(
        &self,
        request: Request<Streaming<proto::SubmitRequest>>,
    ) -> std::result::Result<Response<Self::SubmitStream>, Status> {
        let refused = |problem: Problem| status_of(&problem);
        let token = bearer(request.metadata()).map_err(refused)?.map(str::to_owned);
        let deadline = self.deadline(&request);
        // Judged once here, so that a stream nobody may open is refused as one, and again with every batch.
        self.service.identify(Endpoint::Book, token.as_deref(), deadline).await.map_err(refused)?;
        let (service, remote) = (self.service.clone(), remote(&request).copied());
        let replies = submit::serve(service, token.unwrap_or_default(), remote, request.into_inner());
        let mut response = Response::new(Box::pin(replies) as Self::SubmitStream);
        // A client that can reach the leader spares the cluster a hop.
        if let Some(leader) = self.service.leader_address().and_then(|address| address.parse().ok()) {
            response.metadata_mut().insert(LEADER_HEADER, leader);
        }
        Ok(response)
    }
}

fn remote<T>(request: &Request<T>) -> Option<&Remote> {
    request.extensions().get()
}

fn bearer(metadata: &MetadataMap) -> Result<Option<&str>> {
    let Some(value) = metadata.get("authorization") else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    token.map(Some).ok_or_else(|| {
        Problem::unauthenticated("authorization is `Bearer` and an access token or an app's credential")
    })
}

/// The caller's `grpc-timeout`: at most eight digits and a unit.
fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_that_does_not_come_ends_its_call() {
        let read_all =
            post(|body: Body| async { axum::body::to_bytes(body, 9).await.map(drop).is_ok().to_string() });
        let router = Router::new().route("/slow", read_all).layer(axum::middleware::from_fn(in_time));
        let never = futures_util::stream::pending::<std::result::Result<bytes::Bytes, Status>>();
        let started_at = Instant::now();
        let request = axum::extract::Request::post("/slow").body(Body::from_stream(never)).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(started_at.elapsed().as_secs(), EXCHANGE_DURATION_MAX.as_secs());
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    }
}
