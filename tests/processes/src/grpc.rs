//! gRPC by hand: HTTP/2 and length-prefixed messages, so that the tests see what is on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{HeaderMap, Request, Response};
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

/// What a node says on and on.
pub struct GrpcStream {
    /// Of the answer; with the trailers, once they have come.
    metadata: HeaderMap,
    body: Incoming,
    rest: BytesMut,
    // The stream ends with its connection.
    _grpc: Grpc,
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
        let Some(grpc) = Self::reach(address, None).await else { panic!("{address} takes no connections") };
        grpc
    }

    /// Connects to a node, if there is one. Of what it says on a stream so many bytes may come before they are read.
    pub async fn reach(address: &str, window_bytes: Option<u32>) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        let mut builder = Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window_bytes);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(async move { drop(connection.await) });
        Some(Self { address: address.to_owned(), sender })
    }

    /// Sends a message to a method that says on and on; `None` if the node went away.
    pub async fn stream(
        mut self,
        method: &str,
        metadata: &[(&str, &str)],
        message: &impl Message,
    ) -> Option<GrpcStream> {
        let response = self.send(method, metadata, framed(&message.encode_to_vec())).await.ok()?;
        let (head, body) = response.into_parts();
        Some(GrpcStream { metadata: head.headers, body, rest: BytesMut::new(), _grpc: self })
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
        let (head, body) = self.send(method, metadata, body).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        let mut metadata = head.headers;
        metadata.extend(body.trailers().cloned().unwrap_or_default());
        reply_from(head.status.as_u16(), metadata, body.to_bytes())
    }

    async fn send(
        &mut self,
        method: &str,
        metadata: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let uri = format!("http://{}/{method}", self.address);
        let mut request =
            Request::post(uri).header("content-type", "application/grpc").header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        self.sender.send_request(request.body(Full::new(body)).unwrap()).await
    }
}

impl GrpcStream {
    /// The next message, encoded; `None` once the stream has ended or broken off.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(message) = self.whole_message() {
                return Some(message);
            }
            match self.body.frame().await?.ok()?.into_data() {
                Ok(data) => self.rest.extend_from_slice(&data),
                Err(frame) => self.metadata.extend(frame.into_trailers().unwrap_or_default()),
            }
        }
    }

    /// How it ended: `grpc-status` by its name and the reason in its details; both empty if it broke off.
    #[must_use]
    pub fn status(&self) -> (&'static str, String) {
        let text =
            |name: &str| self.metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let reason = reason_in(text("grpc-status-details-bin")).unwrap_or_default();
        (name_of(text("grpc-status")), reason)
    }

    fn whole_message(&mut self) -> Option<Bytes> {
        let length = u32::from_be_bytes(self.rest.get(1..PREFIX_BYTES)?.try_into().ok()?) as usize;
        if self.rest.len() < PREFIX_BYTES + length {
            return None;
        }
        self.rest.advance(PREFIX_BYTES);
        Some(self.rest.split_to(length).freeze())
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
