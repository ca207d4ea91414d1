//! A stream to a node. Whatever the node does, it is known within seconds whether there is one.

use std::time::Duration;

use holdfast_proto::v1 as proto;
use holdfast_proto::v1::reservations_client::ReservationsClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint, Error};
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
pub(crate) fn endpoint(address: &str) -> Result<Endpoint, Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    Ok(endpoint
        .connect_timeout(CONNECT_DURATION_MAX)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_DURATION_MAX)
        .keep_alive_while_idle(true))
}

impl Line {
    /// A stream to a node, or to the leader it names if that is one of `known`.
    pub(crate) async fn open(
        address: String,
        known: Vec<String>,
        token: AsciiMetadataValue,
    ) -> Result<Self, Status> {
        let (line, leader) = Self::to(&address, &token).await?;
        match leader.filter(|leader| *leader != address && known.contains(leader)) {
            None => Ok(line),
            Some(leader) => Ok(Self::to(&leader, &token).await.map_or(line, |(line, _)| line)),
        }
    }

    async fn to(address: &str, token: &AsciiMetadataValue) -> Result<(Self, Option<String>), Status> {
        let channel = async {
            let unusable = |error: Error| Status::unavailable(error.to_string());
            endpoint(address).map_err(unusable)?.connect().await.map_err(unusable)
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
