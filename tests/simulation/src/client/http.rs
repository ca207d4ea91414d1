//! Calls over HTTP/1.1, by the library that real clients use.

use std::io;

use bytes::Bytes;
use holdfast_raft::net::Connection;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::node::Frame;

/// Sends calls over one connection.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Speaks HTTP over a connection.
pub(super) async fn connect(connection: Connection) -> io::Result<Sender> {
    let (sender, connection) = handshake(TokioIo::new(connection)).await.map_err(io::Error::other)?;
    drop(tokio::spawn(connection));
    Ok(sender)
}

/// Sends a call and reads its answer.
pub(super) async fn send(sender: &mut Sender, frame: Frame) -> io::Result<Frame> {
    let (head, body) = ask(sender, frame).await?.into_parts();
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Frame { head: vec![head.status.as_u16().to_string()], headers, body })
}

/// Opens a stream that a node goes on to write.
pub(super) async fn open(sender: &mut Sender, frame: Frame) -> io::Result<(u16, Incoming)> {
    let response = ask(sender, frame).await?;
    Ok((response.status().as_u16(), response.into_body()))
}

async fn ask(sender: &mut Sender, frame: Frame) -> io::Result<Response<Incoming>> {
    let [method, path] = frame.head.as_slice() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut request = Request::builder().method(method.as_str()).uri(path).header("host", "holdfast");
    for (name, value) in &frame.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(frame.body)).map_err(io::Error::other)?;
    sender.ready().await.map_err(io::Error::other)?;
    sender.send_request(request).await.map_err(io::Error::other)
}
