//! gRPC by hand: HTTP/2 and length-prefixed messages, so that the tests see what is on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;

/// Before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// A connection to one node.
pub struct Grpc {
    address: String,
    sender: SendRequest<Full<Bytes>>,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct GrpcReply {
    /// The HTTP status; 200 for whatever is gRPC.
    pub http_status: u16,
    /// `grpc-status`, by its name in the specification.
    pub status: &'static str,
    /// `grpc-message`.
    pub message: String,
    /// The reason in the status' `google.rpc.ErrorInfo`: the `code` of the HTTP API.
    pub reason: String,
    /// The messages, encoded.
    pub messages: Vec<Bytes>,
    /// Metadata before and after the messages.
    pub metadata: HeaderMap,
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
}

impl Grpc {
    /// Connects to a node.
    pub async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        Self { address: address.to_owned(), sender }
    }

    /// Sends a message to a method and reads all that comes back.
    pub async fn call(
        &mut self,
        method: &str,
        metadata: &[(&str, &str)],
        message: &impl Message,
    ) -> GrpcReply {
        self.call_bytes(method, metadata, framed(&message.encode_to_vec())).await
    }

    /// Sends a body to a method and reads all that comes back.
    pub async fn call_bytes(&mut self, method: &str, metadata: &[(&str, &str)], body: Bytes) -> GrpcReply {
        let uri = format!("http://{}/{method}", self.address);
        let mut request =
            Request::post(uri).header("content-type", "application/grpc").header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let mut metadata = head.headers;
        metadata.extend(body.trailers().cloned().unwrap_or_default());
        reply_from(head.status.as_u16(), metadata, body.to_bytes())
    }
}

/// A message as it goes over the wire.
#[must_use]
pub fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

fn reply_from(http_status: u16, metadata: HeaderMap, mut body: Bytes) -> GrpcReply {
    let text =
        |name: &str| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut messages = Vec::new();
    while body.len() >= PREFIX_BYTES && metadata.contains_key("grpc-status") {
        body.advance(1);
        let length = body.get_u32() as usize;
        messages.push(body.split_to(length));
    }
    let status = name_of(&text("grpc-status"));
    let reason = reason_in(&text("grpc-status-details-bin")).unwrap_or_default();
    GrpcReply { http_status, status, message: text("grpc-message"), reason, messages, metadata }
}

fn reason_in(details: &str) -> Option<String> {
    let bytes = STANDARD_NO_PAD.decode(details).or_else(|_| STANDARD.decode(details)).ok()?;
    let details = RpcStatus::decode(bytes.as_slice()).ok()?.details;
    let info = details.into_iter().find(|detail| detail.type_url.ends_with("google.rpc.ErrorInfo"))?;
    Some(ErrorInfo::decode(info.value).ok()?.reason)
}

fn name_of(status: &str) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    status.parse::<usize>().ok().and_then(|number| NAMES.get(number)).copied().unwrap_or("")
}
