//! A client's calls: to any node, by frames or by HTTP, each answered, refused, or given up.

mod http;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use holdfast_raft::net::{Connection, Network as _};
use hyper::body::Incoming;
use serde_json::Value;

use crate::network::{MachineNet, MachineNumber, address};
use crate::node::{FRAMES_PORT, Frame, HTTP_PORT, read_frame, write_frame};

/// How calls are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// As frames.
    Fast,
    /// As HTTP, by the libraries that real clients use.
    Full,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Its method.
    pub method: &'static str,
    /// Its path and query.
    pub path: String,
    /// Its access token.
    pub token: Option<String>,
    /// Its idempotency key.
    pub key: Option<String>,
    /// Its body.
    pub body: Option<Value>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Its status; 0 if the answer cannot be read.
    pub status: u16,
    /// The log index it reflects.
    pub index: Option<u64>,
    /// How old what was read may be.
    pub age_ms: Option<u64>,
    /// Its body; null if that is not JSON.
    pub json: Value,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nothing was sent.
    NotSent,
    /// It may have arrived.
    Lost,
}

/// Opens a stream that a node goes on to write, over a connection of its own: its status, and what comes.
///
/// # Errors
///
/// When there is no answer.
pub async fn open_stream(
    network: &MachineNet,
    node: MachineNumber,
    path: &str,
    headers: &[(String, String)],
) -> io::Result<(u16, Incoming)> {
    let connection = network.connect(&address(node, HTTP_PORT).to_string()).await?;
    let mut sender = http::connect(connection).await?;
    let head = vec!["GET".to_owned(), path.to_owned()];
    http::open(&mut sender, Frame { head, headers: headers.to_vec(), body: Bytes::new() }).await
}

/// A client's connections, one to each node, made when they are needed.
pub struct Client {
    network: MachineNet,
    fidelity: Fidelity,
    connections: BTreeMap<MachineNumber, Connection>,
    https: BTreeMap<MachineNumber, http::Sender>,
}

impl Client {
    /// A client without connections.
    #[must_use]
    pub fn new(network: MachineNet, fidelity: Fidelity) -> Self {
        Self { network, fidelity, connections: BTreeMap::new(), https: BTreeMap::new() }
    }

    /// Asks a node, and waits so long for its answer.
    ///
    /// # Errors
    ///
    /// [`Silence`] if there is none. Its connection is given up then.
    pub async fn ask(
        &mut self,
        node: MachineNumber,
        ask: &Ask,
        patience: Duration,
    ) -> Result<Reply, Silence> {
        let mut was_sent = false;
        let asked = tokio::time::timeout(patience, async {
            match self.fidelity {
                Fidelity::Fast => self.ask_frames(node, ask, &mut was_sent).await,
                Fidelity::Full => self.ask_http(node, ask, &mut was_sent).await,
            }
        });
        if let Ok(Ok(reply)) = asked.await {
            return Ok(reply);
        }
        self.connections.remove(&node);
        self.https.remove(&node);
        Err(if was_sent { Silence::Lost } else { Silence::NotSent })
    }

    async fn ask_frames(&mut self, node: MachineNumber, ask: &Ask, was_sent: &mut bool) -> io::Result<Reply> {
        let mut connection = match self.connections.remove(&node) {
            Some(connection) => connection,
            None => self.network.connect(&address(node, FRAMES_PORT).to_string()).await?,
        };
        *was_sent = true;
        write_frame(&mut connection, &ask.to_frame()).await?;
        let frame = read_frame(&mut connection).await?;
        self.connections.insert(node, connection);
        Ok(Reply::from_frame(&frame))
    }

    async fn ask_http(&mut self, node: MachineNumber, ask: &Ask, was_sent: &mut bool) -> io::Result<Reply> {
        let mut sender = match self.https.remove(&node).filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => http::connect(self.network.connect(&address(node, HTTP_PORT).to_string()).await?).await?,
        };
        *was_sent = true;
        let frame = http::send(&mut sender, ask.to_frame()).await?;
        self.https.insert(node, sender);
        Ok(Reply::from_frame(&frame))
    }
}

impl Ask {
    fn to_frame(&self) -> Frame {
        let mut headers = Vec::new();
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        if let Some(key) = &self.key {
            headers.push(("idempotency-key".to_owned(), key.clone()));
        }
        let body = match &self.body {
            None => Bytes::new(),
            Some(body) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                body.to_string().into()
            }
        };
        Frame { head: vec![self.method.to_owned(), self.path.clone()], headers, body }
    }
}

impl Reply {
    fn from_frame(frame: &Frame) -> Self {
        let header = |wanted: &str| {
            let found = frame.headers.iter().find(|(name, _)| name == wanted);
            found.and_then(|(_, value)| value.parse().ok())
        };
        let status = frame.head.first().and_then(|status| status.parse().ok()).unwrap_or(0);
        let (json, is_readable) = match serde_json::from_slice(&frame.body) {
            Ok(json) => (json, true),
            Err(_) => (Value::Null, frame.body.is_empty()),
        };
        // Success that cannot be read is none.
        let status = if is_readable { status } else { 0 };
        Self { status, index: header("holdfast-index"), age_ms: header("holdfast-age-ms"), json }
    }

    /// The code of a refusal; empty if it is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}
