//! Calls that go alone, one request and one answer each.

use std::time::Duration;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::reservations_client::ReservationsClient;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Certificate, Channel};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::booking::Booking;
use crate::error::{Error, refusal_from};
use crate::line;

/// A connection for unary calls to one of the endpoints, made when it is first used.
#[derive(Clone, Debug)]
pub(crate) struct Unary {
    client: ReservationsClient<Channel>,
    token: AsciiMetadataValue,
}

impl Unary {
    pub(crate) fn new(
        endpoints: &[String],
        authority: Option<&Certificate>,
        token: AsciiMetadataValue,
    ) -> Result<Self, Error> {
        let endpoint = &endpoints[rand::random_range(0..endpoints.len())];
        let unusable = |error: tonic::transport::Error| Error::Setup(format!("{endpoint}: {error}"));
        let channel = line::endpoint(endpoint, authority).map_err(unusable)?.connect_lazy();
        Ok(Self { client: ReservationsClient::new(channel), token })
    }

    pub(crate) async fn book(
        &self,
        request_id: Uuid,
        body: proto::BookRequest,
        deadline: Duration,
    ) -> Result<Booking, Error> {
        let mut request = Request::new(body);
        request.set_timeout(deadline);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.token.clone());
        if let Ok(key) = AsciiMetadataValue::try_from(request_id.to_string()) {
            metadata.insert("idempotency-key", key);
        }
        let mut client = self.client.clone();
        match tokio::time::timeout(deadline, client.book(request)).await {
            Ok(Ok(response)) => Ok(response.into_inner().into()),
            Ok(Err(status)) => Err(error_from(&status, request_id)),
            Err(_) => Err(Error::Unknown { request_id }),
        }
    }
}

/// Only what a node says itself is sure.
fn error_from(status: &Status, request_id: Uuid) -> Error {
    match refusal_from(status) {
        Some(refusal) if refusal.status == 503 => Error::Unavailable(refusal.detail),
        Some(refusal) if refusal.status < 500 => Error::Refused(refusal),
        Some(_) | None => Error::Unknown { request_id },
    }
}
