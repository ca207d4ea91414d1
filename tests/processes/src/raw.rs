//! HTTP/1.1 by hand: requests that no well-behaved client sends.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer takes no longer.
const REPLY_DURATION_MAX: Duration = Duration::from_secs(15);

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub struct RawReply {
    /// The HTTP status; 0 if the connection was closed without an answer.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, null if it is not JSON.
    pub json: Value,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl RawReply {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Sends bytes on a new connection and reads one answer. What cannot be sent any more, because the other side has
/// answered and closed, is not.
///
/// # Panics
///
/// If there is neither an answer nor an end in time.
pub async fn raw_call(address: &str, request: &[u8]) -> RawReply {
    let called = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let write = async {
            drop(writer.write_all(request).await);
            drop(writer.flush().await);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            reply = read_reply(&mut reader) => reply,
            () = write => RawReply::default(),
        }
    };
    let Ok(reply) = tokio::time::timeout(REPLY_DURATION_MAX, called).await else {
        panic!("{address} neither answered nor closed the connection");
    };
    reply
}

async fn read_reply(reader: &mut (impl tokio::io::AsyncRead + Unpin)) -> RawReply {
    let mut bytes = Vec::new();
    loop {
        if let Some(reply) = whole_reply(&bytes) {
            return reply;
        }
        let mut piece = [0; 4096];
        match reader.read(&mut piece).await {
            Ok(0) | Err(_) => return RawReply::default(),
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
    }
}

/// The answer in what has come so far, if it is all there.
fn whole_reply(bytes: &[u8]) -> Option<RawReply> {
    let head_length = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..head_length]).into_owned();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let reply = RawReply { status, headers, ..RawReply::default() };
    let length = reply.header("content-length").parse().unwrap_or(0);
    let body = bytes.get(head_length + 4..head_length + 4 + length)?.to_vec();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    Some(RawReply { json, body, ..reply })
}
