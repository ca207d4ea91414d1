//! Calls as frames: method, path, headers and body, each with its length, straight to the router. The fast way for
//! clients; what is said is the same as over HTTP.

use std::io;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use holdfast_raft::net::{Connection, Listener};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tower::ServiceExt as _;

/// A longer frame is a mistake of ours.
const FRAME_BYTES_MAX: usize = 8 << 20;

/// A call or an answer: a few texts, some of them in pairs, and a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Method and path of a call; status of an answer.
    pub head: Vec<String>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// Serves until the listener is gone.
pub(super) async fn serve(mut listener: Box<dyn Listener>, router: Router) {
    while let Ok(connection) = listener.accept().await {
        let router = router.clone();
        drop(tokio::spawn(async move {
            // A caller who breaks off is no news.
            drop(serve_connection(connection, router).await);
        }));
    }
}

async fn serve_connection(mut connection: Connection, router: Router) -> io::Result<()> {
    loop {
        let frame = read_frame(&mut connection).await?;
        let Ok(response) = router.clone().oneshot(to_request(frame)?).await;
        write_frame(&mut connection, &from_response(response).await?).await?;
    }
}

fn to_request(frame: Frame) -> io::Result<Request<Body>> {
    let [method, path] = frame.head.as_slice() else { return Err(io::ErrorKind::InvalidData.into()) };
    let mut request = Request::builder().method(method.as_str()).uri(path);
    for (name, value) in &frame.headers {
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        request = request.header(name, HeaderValue::try_from(value).map_err(io::Error::other)?);
    }
    request.body(Body::from(frame.body)).map_err(io::Error::other)
}

async fn from_response(response: Response<Body>) -> io::Result<Frame> {
    let (head, body) = response.into_parts();
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Frame { head: vec![head.status.as_u16().to_string()], headers, body })
}

/// Reads a frame.
///
/// # Errors
///
/// When the other end is gone, or speaks something else.
pub async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let length = from.read_u32().await? as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await?;
    let mut bytes = Bytes::from(bytes);
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut texts = Vec::new();
    let (head, headers) = (take_u8(&mut bytes)?, take_u8(&mut bytes)?);
    for _ in 0..head + 2 * headers {
        let text = take(&mut bytes)?;
        texts.push(String::from_utf8(text.to_vec()).map_err(|_| damaged())?);
    }
    let mut pairs = texts.split_off(head).into_iter();
    let mut frame = Frame { head: texts, headers: Vec::new(), body: take(&mut bytes)? };
    while let (Some(name), Some(value)) = (pairs.next(), pairs.next()) {
        frame.headers.push((name, value));
    }
    Ok(frame)
}

fn take_u8(bytes: &mut Bytes) -> io::Result<usize> {
    bytes.try_get_u8().map(usize::from).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn take(bytes: &mut Bytes) -> io::Result<Bytes> {
    let length = bytes.try_get_u32().map_err(io::Error::other)? as usize;
    match length <= bytes.len() {
        true => Ok(bytes.split_to(length)),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Writes a frame.
///
/// # Errors
///
/// When the other end is gone.
pub async fn write_frame(into: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    bytes.put_u32(0);
    bytes.put_u8(frame.head.len() as u8);
    bytes.put_u8(frame.headers.len() as u8);
    let pairs = frame.headers.iter().flat_map(|(name, value)| [name, value]);
    for text in frame.head.iter().chain(pairs) {
        bytes.put_u32(text.len() as u32);
        bytes.put_slice(text.as_bytes());
    }
    bytes.put_u32(frame.body.len() as u32);
    bytes.put_slice(&frame.body);
    let length = bytes.len() as u32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    into.write_all(&bytes).await?;
    into.flush().await
}
