//! A small HTTP client: JSON over one kept connection, which is all that verbs and load need.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::tls;

/// A node that takes longer is given up; nodes themselves answer within ten seconds.
const REPLY_DURATION_MAX: Duration = Duration::from_secs(15);
const KEY_HEADER: &str = "idempotency-key";
const CONNECT_DURATION_MAX: Duration = Duration::from_secs(2);

/// One kept connection to one node.
pub struct Connection {
    address: String,
    is_secured: bool,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, null if it is not JSON.
    pub json: Value,
    /// The body as it came.
    pub bytes: Bytes,
    /// The log index it reflects.
    pub index: Option<u64>,
    /// All headers.
    pub headers: HeaderMap,
    /// The key it was asked under, which a call that changes nothing has not.
    pub key: Option<String>,
}

impl Reply {
    /// The stable code of a problem.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// Whether another node would say the same.
    pub(crate) fn is_definite(&self) -> bool {
        !matches!(self.status, 500 | 503 | 504)
    }

    /// Whether it tells what became of the call at an earlier attempt too: a success, or a refusal by the rules. Any
    /// other refusal is of this attempt only.
    pub(crate) fn is_remembered(&self) -> bool {
        matches!(self.status, 200..=299 | 404 | 409 | 412 | 422) && self.code() != "key_expired"
    }

    /// The body if the status is a success; otherwise why not.
    ///
    /// # Errors
    ///
    /// What the problem says, sorted by what can be done. Only under a key can anybody find out what became of a call.
    pub fn success(self) -> Result<Value, Failure> {
        let detail = format!(
            "{} {}: {}",
            self.status,
            self.code(),
            self.json["detail"].as_str().unwrap_or("no detail")
        );
        match self.status {
            200..=299 => Ok(self.json),
            500 | 504 => Err(self.key.map_or(Failure::Unhealthy(detail), Failure::Unknown)),
            503 => Err(Failure::Unhealthy(detail)),
            _ => Err(Failure::Refused(detail)),
        }
    }
}

impl Connection {
    /// A connection to HOST:PORT, secured if that is written with `https://`; made when it is first used.
    #[must_use]
    pub fn to(endpoint: impl Into<String>) -> Self {
        let endpoint = endpoint.into();
        let (is_secured, address) = tls::parts(&endpoint);
        Self { address: address.to_owned(), is_secured, sender: None }
    }

    /// Sends a request and reads its answer. A kept connection that turns out to be closed is made again.
    ///
    /// # Errors
    ///
    /// [`Failure::Connect`] if nothing was sent; [`Failure::Other`] if the answer got lost.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&str>,
        key: Option<&str>,
        body: Option<Bytes>,
    ) -> Result<Reply, Failure> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.address);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header(KEY_HEADER, key);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        self.exchange(request.body(Full::new(body.unwrap_or_default())).map_err(Failure::other)?).await
    }

    /// Sends any request, as [`Connection::send`] does.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        let sent = tokio::time::timeout(REPLY_DURATION_MAX, self.exchange_now(request)).await;
        let reply = sent.unwrap_or_else(|_| Err(Failure::Other(format!("{} did not answer", self.address))));
        if reply.is_err() {
            self.sender = None;
        }
        reply
    }

    async fn exchange_now(&mut self, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        let lost = |error: hyper::Error| Failure::Other(format!("the answer was lost: {error}"));
        let kept = match self.sender.take() {
            Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
            None => None,
        };
        let mut sender = match kept {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let key = request.headers().get(KEY_HEADER).and_then(|key| key.to_str().ok().map(str::to_owned));
        let response = sender.send_request(request).await.map_err(lost)?;
        let (head, body) = response.into_parts();
        let index = head.headers.get("holdfast-index").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = body.collect().await.map_err(lost)?.to_bytes();
        self.sender = Some(sender);
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Reply { status: head.status.as_u16(), json, bytes, index, headers: head.headers, key })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let failed = |error: String| Failure::Connect(format!("{}: {error}", self.address));
        let connected = tokio::time::timeout(CONNECT_DURATION_MAX, TcpStream::connect(&self.address)).await;
        let stream = connected.map_err(|_| failed("no answer".to_owned()))?;
        let stream = stream.map_err(|error| failed(error.to_string()))?;
        stream.set_nodelay(true)?;
        let mut sender = match self.is_secured {
            true => {
                let secured =
                    tokio::time::timeout(CONNECT_DURATION_MAX, tls::secure(stream, &self.address)).await;
                start(secured.map_err(|_| failed("no answer".to_owned()))??).await
            }
            false => start(stream).await,
        }
        .map_err(|error| failed(error.to_string()))?;
        sender.ready().await.map_err(|error| failed(error.to_string()))?;
        Ok(sender)
    }
}

async fn start(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<Full<Bytes>>, hyper::Error> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}
