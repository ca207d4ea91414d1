//! Server-sent events as a browser reads them: one stream of `GET /v1/watch`, and where it is to go on.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpSocket;

/// A node that takes the call says so by then. It may take five seconds to catch up.
const OPEN_DURATION_MAX: Duration = Duration::from_secs(15);

/// A stream that is alive says something every fifteen seconds.
const SILENCE_DURATION_MAX: Duration = Duration::from_secs(25);

/// A stream.
pub struct Sse {
    body: Incoming,
    /// What has come of a block that is not whole yet.
    rest: Vec<u8>,
    blocks: VecDeque<SseEvent>,
    /// The id of the last block that had one, with an event or without: what a browser sends when it comes again.
    pub last_id: String,
}

/// A block of a stream that names an event.
#[derive(Clone, Debug)]
pub struct SseEvent {
    /// `hello`, `booking.held`, `cut`, ...
    pub name: String,
    /// Its id, if it has one of its own.
    pub id: Option<String>,
    /// What it says.
    pub data: Value,
}

/// What became of the attempt to open a stream.
pub enum Opened {
    /// It is open.
    Stream(Sse),
    /// The node does not want to: the status, and the problem.
    Refused(u16, Value),
    /// There is no node, or it went away.
    Unreachable,
}

/// How to open a stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct SseCall<'a> {
    /// What follows `/v1/watch`, with its question mark.
    pub query: &'a str,
    /// The access token.
    pub token: &'a str,
    /// Where to go on.
    pub last_event_id: Option<&'a str>,
    /// Bytes that the operating system keeps for the reader, if not as many as it sees fit.
    pub receive_buffer: Option<u32>,
}

impl Opened {
    /// The stream.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn stream(self) -> Sse {
        match self {
            Self::Stream(stream) => stream,
            Self::Refused(status, problem) => panic!("refused: {status} {problem}"),
            Self::Unreachable => panic!("no node answers"),
        }
    }

    /// The refusal.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn refusal(self) -> (u16, Value) {
        match self {
            Self::Refused(status, problem) => (status, problem),
            Self::Stream(_) => panic!("the stream was opened"),
            Self::Unreachable => panic!("no node answers"),
        }
    }
}

impl Sse {
    /// Opens a stream at a node.
    pub async fn open(address: &str, call: SseCall<'_>) -> Opened {
        let opened = tokio::time::timeout(OPEN_DURATION_MAX, Self::open_now(address, call)).await;
        opened.ok().flatten().unwrap_or(Opened::Unreachable)
    }

    async fn open_now(address: &str, call: SseCall<'_>) -> Option<Opened> {
        let socket = TcpSocket::new_v4().ok()?;
        if let Some(bytes) = call.receive_buffer {
            socket.set_recv_buffer_size(bytes).ok()?;
        }
        let connection = socket.connect(address.parse().ok()?).await.ok()?;
        let (mut sender, connection) = handshake(TokioIo::new(connection)).await.ok()?;
        tokio::spawn(async move { drop(connection.await) });
        let mut request = Request::get(format!("/v1/watch{}", call.query))
            .header("host", address)
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", call.token));
        if let Some(id) = call.last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).ok()?).await.ok()?;
        let (head, body) = response.into_parts();
        if head.status != 200 {
            let body = body.collect().await.ok()?.to_bytes();
            let problem = serde_json::from_slice(&body).unwrap_or_default();
            return Some(Opened::Refused(head.status.as_u16(), problem));
        }
        assert_eq!(head.headers["content-type"], "text/event-stream");
        let last_id = call.last_event_id.unwrap_or_default().to_owned();
        Some(Opened::Stream(Self { body, rest: Vec::new(), blocks: VecDeque::new(), last_id }))
    }

    /// The next event; `None` once the stream has ended, broken off or gone silent.
    pub async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.blocks.pop_front() {
                self.last_id = event.id.clone().unwrap_or_else(|| std::mem::take(&mut self.last_id));
                if !event.name.is_empty() {
                    return Some(event);
                }
                continue;
            }
            let frame = tokio::time::timeout(SILENCE_DURATION_MAX, self.body.frame()).await.ok()??;
            if let Ok(data) = frame.ok()?.into_data() {
                self.take(&data);
            }
        }
    }

    /// Takes in what has come. A block ends with an empty line; comments are not kept.
    fn take(&mut self, data: &[u8]) {
        self.rest.extend_from_slice(data);
        let mut begun = 0;
        while let Some(length) = self.rest[begun..].windows(2).position(|pair| pair == b"\n\n") {
            let block = String::from_utf8(self.rest[begun..begun + length].to_vec()).unwrap();
            self.blocks.push_back(event_in(&block));
            begun += length + 2;
        }
        self.rest.drain(..begun);
    }
}

/// A block; one without a name is none but for its id.
fn event_in(block: &str) -> SseEvent {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    SseEvent {
        name: field("event").unwrap_or_default().to_owned(),
        id: field("id").map(str::to_owned),
        data: field("data").map(|data| serde_json::from_str(data).unwrap()).unwrap_or_default(),
    }
}
