//! A small HTTP client: JSON over one kept connection, which is all that verbs and load need.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::failure::Failure;

/// A node that takes longer is given up; nodes themselves answer within ten seconds.
const REPLY_DURATION_MAX: Duration = Duration::from_secs(15);
const CONNECT_DURATION_MAX: Duration = Duration::from_secs(2);

/// One kept connection to one node.
pub struct Connection {
    address: String,
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
}

/// A call that may be repeated on other nodes: method, path, body, and the key it is repeated under.
#[derive(Clone, Debug)]
pub struct Api {
    /// HOST:PORT of the nodes to try, in turn.
    pub endpoints: Vec<String>,
    /// The caller's access token.
    pub token: Option<String>,
}

impl Reply {
    /// The stable code of a problem.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The body if the status is a success; otherwise why not.
    ///
    /// # Errors
    ///
    /// What the problem says, sorted by what can be done.
    pub fn success(self) -> Result<Value, Failure> {
        let detail = format!(
            "{} {}: {}",
            self.status,
            self.code(),
            self.json["detail"].as_str().unwrap_or("no detail")
        );
        match self.status {
            200..=299 => Ok(self.json),
            503 => Err(Failure::Unhealthy(detail)),
            504 => Err(Failure::Unknown(detail)),
            _ => Err(Failure::Refused(detail)),
        }
    }
}

impl Connection {
    /// A connection that is made when it is first used.
    #[must_use]
    pub fn to(address: impl Into<String>) -> Self {
        Self { address: address.into(), sender: None }
    }

    /// Sends a request and reads its answer. A kept connection that turns out to be closed is made again once, if the
    /// request cannot have been taken.
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
            request = request.header("idempotency-key", key);
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
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            Some(_) | None => self.connect().await?,
        };
        sender.ready().await.map_err(lost)?;
        let response = sender.send_request(request).await.map_err(lost)?;
        let (head, body) = response.into_parts();
        let index = head.headers.get("holdfast-index").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = body.collect().await.map_err(lost)?.to_bytes();
        self.sender = Some(sender);
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Reply { status: head.status.as_u16(), json, bytes, index, headers: head.headers })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let failed = |error: String| Failure::Connect(format!("{}: {error}", self.address));
        let connected = tokio::time::timeout(CONNECT_DURATION_MAX, TcpStream::connect(&self.address)).await;
        let stream = connected.map_err(|_| failed("no answer".to_owned()))?;
        let stream = stream.map_err(|error| failed(error.to_string()))?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| failed(error.to_string()))?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

impl Api {
    /// Calls one node after the other until one answers with anything but 503. A call that changes something is made
    /// under one key, so trying again is safe.
    ///
    /// # Errors
    ///
    /// The last failure, when no node answered.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Reply, Failure> {
        self.call_with_key(method, path, body, &uuid::Uuid::now_v7().to_string()).await
    }

    /// The same under a key of the caller's, who may then make the call again: it takes effect once.
    ///
    /// # Errors
    ///
    /// The last failure, when no node answered.
    pub async fn call_with_key(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: &str,
    ) -> Result<Reply, Failure> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let key = (method != Method::GET).then_some(key);
        let mut last =
            Failure::Usage("no endpoints: give --endpoints HOST:PORT,.. or HOLDFAST_ENDPOINTS".to_owned());
        for endpoint in &self.endpoints {
            let mut connection = Connection::to(endpoint);
            match connection.send(method.clone(), path, self.token.as_deref(), key, body.clone()).await {
                Ok(reply) if reply.status == 503 => {
                    last = Failure::Unhealthy(reply.json["detail"].to_string())
                }
                Ok(reply) => return Ok(reply),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// `GET`.
    ///
    /// # Errors
    ///
    /// Also if the answer is no success.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await?.success()
    }

    /// `POST`.
    ///
    /// # Errors
    ///
    /// Also if the answer is no success.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await?.success()
    }

    /// Logs in; calls are made as this user from here on.
    ///
    /// # Errors
    ///
    /// If the address or the password is wrong, or no node answers.
    pub async fn log_in(&mut self, email: &str, password: &str) -> Result<(), Failure> {
        let body = serde_json::json!({"email": email, "password": password});
        let tokens = self.post("/auth/login", body).await?;
        self.token = tokens["accessToken"].as_str().map(str::to_owned);
        Ok(())
    }
}
