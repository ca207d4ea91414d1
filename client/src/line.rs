//! A stream to a node. Whatever the node does, it is known within seconds whether there is one.

use std::time::Duration;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::reservations_client::ReservationsClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error};
use tonic::{Request, Status, Streaming};

/// Messages on their way out.
const MESSAGES_AHEAD_MAX: usize = 8;

const CONNECT_DURATION_MAX: Duration = Duration::from_secs(1);

/// A node that has taken the connection answers by then, or another is tried.
const OPEN_DURATION_MAX: Duration = Duration::from_secs(2);

/// How often a node is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEP_ALIVE_DURATION_MAX: Duration = Duration::from_secs(3);

/// Which node leads, for clients that would rather ask it directly.
const LEADER_HEADER: &str = "holdfast-leader";

/// A stream to a node.
pub(crate) struct Line {
    pub(crate) requests: mpsc::Sender<proto::SubmitRequest>,
    pub(crate) replies: Streaming<proto::SubmitReply>,
}

/// How to reach a node, and to notice when it is gone.
pub(crate) fn endpoint(address: &str, authority: Option<&Certificate>) -> Result<Endpoint, Error> {
    let is_url = address.starts_with("https://") || address.starts_with("http://");
    let url = if is_url { address.to_owned() } else { format!("http://{address}") };
    let is_secured = url.starts_with("https://");
    let mut endpoint = Endpoint::from_shared(url)?;
    if is_secured {
        let tls = ClientTlsConfig::new();
        endpoint = endpoint.tls_config(match authority {
            Some(authority) => tls.ca_certificate(authority.clone()),
            None => tls.with_native_roots(),
        })?;
    }
    Ok(endpoint
        .connect_timeout(CONNECT_DURATION_MAX)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_DURATION_MAX)
        .keep_alive_while_idle(true))
}

/// Whether an endpoint is that of HOST:PORT.
fn is_at(endpoint: &str, address: &str) -> bool {
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    rest.unwrap_or(endpoint).trim_end_matches('/') == address
}

impl Line {
    /// A stream to a node, or to the leader it names if that is one of `known`.
    pub(crate) async fn open(
        address: String,
        known: Vec<String>,
        authority: Option<Certificate>,
        token: AsciiMetadataValue,
    ) -> Result<Self, Status> {
        let authority = authority.as_ref();
        let (line, leader) = Self::to(&address, authority, &token).await?;
        let leader = leader.and_then(|leader| known.iter().find(|known| is_at(known, &leader)));
        match leader.filter(|leader| **leader != address) {
            None => Ok(line),
            Some(leader) => Ok(Self::to(leader, authority, &token).await.map_or(line, |(line, _)| line)),
        }
    }

    async fn to(
        address: &str,
        authority: Option<&Certificate>,
        token: &AsciiMetadataValue,
    ) -> Result<(Self, Option<String>), Status> {
        let channel = async {
            let unusable = |error: Error| Status::unavailable(error.to_string());
            endpoint(address, authority).map_err(unusable)?.connect().await.map_err(unusable)
        };
        let opened = async { Self::over(channel.await?, token).await };
        let opened = tokio::time::timeout(OPEN_DURATION_MAX, opened).await;
        opened.unwrap_or_else(|_| Err(Status::unavailable(format!("{address} does not answer"))))
    }

    async fn over(channel: Channel, token: &AsciiMetadataValue) -> Result<(Self, Option<String>), Status> {
        let (requests, outgoing) = mpsc::channel(MESSAGES_AHEAD_MAX);
        let mut request = Request::new(ReceiverStream::new(outgoing));
        request.metadata_mut().insert("authorization", token.clone());
        let response = ReservationsClient::new(channel).submit(request).await?;
        let leader = response.metadata().get(LEADER_HEADER);
        let leader = leader.and_then(|value| value.to_str().ok().map(str::to_owned));
        Ok((Self { requests, replies: response.into_inner() }, leader))
    }
}
