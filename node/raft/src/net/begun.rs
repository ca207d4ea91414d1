//! Looks at the first byte of a connection: whoever speaks plain HTTP where TLS is spoken is told so in HTTP.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Connection;

/// What is said to plain HTTP, in the words of RFC 9457.
const REFUSAL: &str = "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"code\":\"tls_required\",\
                       \"detail\":\"this port speaks TLS; write https:// instead of http://\"}";

/// Waits for the first byte, and leaves it to be read. TLS begins with 22 (RFC 8446, section 5.1); whoever begins as HTTP
/// does, with the name of a method, is told how it is done here, and that is an error.
pub(super) async fn refuse_http(connection: &mut Connection) -> io::Result<()> {
    let first = connection.read_u8().await?;
    if first.is_ascii_uppercase() {
        refuse(connection).await?;
        return Err(io::Error::other("it speaks HTTP without TLS"));
    }
    connection.put_back(BytesMut::from(&[first][..]));
    Ok(())
}

async fn refuse(connection: &mut Connection) -> io::Result<()> {
    let length = REFUSAL.len();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    // What was sent is read first, as far as it is there: closed before that, the answer would be lost.
    let mut head_of_theirs = [0; 4096];
    let read = connection.read(&mut head_of_theirs).await?;
    tracing::trace!(read, "plain HTTP on a port of TLS");
    connection.write_all(format!("{head}{REFUSAL}").as_bytes()).await?;
    connection.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn connection(bytes: &[u8]) -> (Connection, tokio::io::DuplexStream) {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        theirs.write_all(bytes).await.unwrap();
        (Connection::over(ours, None), theirs)
    }

    #[tokio::test]
    async fn plain_http_is_told_to_use_https() {
        let (mut plain, mut theirs) = connection(b"GET / HTTP/1.1\r\n\r\n").await;
        let refused = refuse_http(&mut plain).await.unwrap_err();
        assert_eq!(refused.to_string(), "it speaks HTTP without TLS");
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 400") && head.contains(&format!("content-length: {}", body.len()))
        );
        assert!(body.contains("tls_required") && body.contains("https://"), "{body}");
    }

    #[tokio::test]
    async fn everything_else_is_read_from_its_first_byte() {
        let (mut other, theirs) = connection(&[22, 3, 1]).await;
        refuse_http(&mut other).await.unwrap();
        drop(theirs);
        let mut read = Vec::new();
        other.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, [22, 3, 1]);
    }
}
