//! gRPC health checking: this node serves when it is ready, as `/readyz` says.

use std::pin::Pin;
use std::time::Duration;

use holdfast_raft::Replica;
use tokio_stream::wrappers::IntervalStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// What may be asked for; the empty name is the whole server.
const SERVICES: [&str; 3] = ["", "holdfast.v1.Reservations", "holdfast.v1.Cluster"];

/// How often somebody who watches is told news, if there are any.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

pub(super) fn service(replica: Replica) -> HealthServer<impl Health> {
    HealthServer::new(Readiness(replica))
}

struct Readiness(Replica);

#[tonic::async_trait]
impl Health for Readiness {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let name = &request.get_ref().service;
        if !SERVICES.contains(&name.as_str()) {
            return Err(Status::not_found(format!("there is no service {name}")));
        }
        Ok(Response::new(response(status(&self.0))))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let is_known = SERVICES.contains(&request.get_ref().service.as_str());
        let replica = self.0.clone();
        let mut last = None;
        let looks = IntervalStream::new(tokio::time::interval(LOOK_INTERVAL));
        let news = looks.filter_map(move |_| {
            // The protocol wants a stream even for names nobody knows.
            let now = if is_known { status(&replica) } else { ServingStatus::ServiceUnknown };
            let is_news = last.replace(now) != Some(now);
            is_news.then(|| Ok(response(now)))
        });
        Ok(Response::new(Box::pin(news)))
    }
}

fn status(replica: &Replica) -> ServingStatus {
    if replica.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
