//! Somebody who calls nodes: each call at one of chance.

use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_cluster::{Connection, Failure, Reply};
use holdfast_processes::fresh_key;
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::Value;

/// Without a good answer by then, something is wrong with the cluster.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

const KEY_HEADER: &str = "idempotency-key";

/// In whose name calls are made.
#[derive(Clone)]
pub enum Caller {
    Nobody,
    /// By an access token.
    Token(String),
    /// By the cookie `uid` of seed S3.
    Cookie(String),
    /// By both.
    TokenAndCookie(String, String),
}

/// Somebody, and where the nodes are.
#[derive(Clone)]
pub struct Client {
    addresses: Vec<String>,
    caller: Caller,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Ask {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, path).with_body(body.to_string())
    }

    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn with_key(self, key: &str) -> Self {
        self.with_header(KEY_HEADER, key)
    }

    fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| *name == header)
    }
}

impl Client {
    pub fn new(addresses: Vec<String>, caller: Caller) -> Self {
        Self { addresses, caller }
    }

    /// Asks once.
    pub async fn ask(&self, ask: &Ask) -> Reply {
        match self.send(ask).await {
            Ok(reply) => reply,
            Err(failure) => panic!("{} {}: {failure}", ask.method, ask.path),
        }
    }

    /// Asks under one key until somebody knows: for clusters whose nodes come and go.
    pub async fn insist(&self, ask: &Ask) -> Reply {
        let is_named = ask.method == Method::GET || ask.has(KEY_HEADER);
        let ask = if is_named { ask.clone() } else { ask.clone().with_key(&fresh_key()) };
        self.insist_on(&ask, "nobody knows", |_| Ok(())).await
    }

    /// Asks until an answer is good, as `insist` does; the judge says what is wrong with one.
    ///
    /// # Panics
    ///
    /// When none is good in time.
    pub async fn insist_on(
        &self,
        ask: &Ask,
        what: &str,
        mut judge: impl FnMut(&Reply) -> Result<(), String>,
    ) -> Reply {
        let started_at = Instant::now();
        loop {
            let wrong = match self.send(ask).await {
                Err(failure) => failure.to_string(),
                Ok(reply) if matches!(reply.status, 500 | 503 | 504) => {
                    format!("told {} {}", reply.status, reply.json)
                }
                Ok(reply) => match judge(&reply) {
                    Ok(()) => return reply,
                    Err(misfit) => format!("{misfit}\n  told {} {}", reply.status, reply.json),
                },
            };
            assert!(started_at.elapsed() < PATIENCE, "{wrong}\n  still, in {what}\n  asked {ask:?}");
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    async fn send(&self, ask: &Ask) -> Result<Reply, Failure> {
        let address = &self.addresses[rand::random_range(0..self.addresses.len())];
        let mut request = Request::builder().method(&ask.method).uri(&ask.path).header("host", address);
        if let Caller::Token(token) | Caller::TokenAndCookie(token, _) = &self.caller {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Caller::Cookie(uid) | Caller::TokenAndCookie(_, uid) = &self.caller {
            request = request.header("cookie", format!("uid={uid}"));
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if ask.body.is_some() && !ask.has("content-type") {
            request = request.header("content-type", "application/json");
        }
        let body = Bytes::from(ask.body.clone().unwrap_or_default());
        let request = request.body(Full::new(body)).map_err(Failure::other)?;
        Connection::to(address).exchange(request).await
    }
}
