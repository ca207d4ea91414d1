//! A connection whose first byte was looked at: whoever speaks plain HTTP where TLS is spoken is told so in HTTP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::Connection;

/// What is said to plain HTTP, in the words of RFC 9457.
const REFUSAL: &str = "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"code\":\"tls_required\",\
                       \"detail\":\"this port speaks TLS; write https:// instead of http://\"}";

/// A connection, and its first byte.
pub(super) struct Begun {
    /// `None` once it was read.
    first: Option<u8>,
    connection: Connection,
}

impl Begun {
    /// Waits for the first byte.
    pub(super) async fn look(mut connection: Connection) -> io::Result<Self> {
        let first = Some(connection.read_u8().await?);
        Ok(Self { first, connection })
    }

    /// Whether it begins as HTTP does, with the name of a method. TLS begins with 22 (RFC 8446, section 5.1).
    pub(super) fn is_in_the_clear(&self) -> bool {
        self.first.is_some_and(|first| first.is_ascii_uppercase())
    }

    /// Says how it is done here, and ends.
    pub(super) async fn refuse(mut self) -> io::Result<()> {
        let length = REFUSAL.len();
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n"
        );
        // What was sent is read first, as far as it is there: closed before that, the answer would be lost.
        let mut head_of_theirs = [0; 4096];
        let read = self.connection.read(&mut head_of_theirs).await?;
        tracing::trace!(read, "plain HTTP on a port of TLS");
        self.connection.write_all(format!("{head}{REFUSAL}").as_bytes()).await?;
        self.connection.shutdown().await
    }
}

impl AsyncRead for Begun {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.first {
            Some(first) if buffer.remaining() > 0 => {
                buffer.put_slice(&[first]);
                self.first = None;
                Poll::Ready(Ok(()))
            }
            Some(_) | None => Pin::new(&mut self.connection).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Begun {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn begun(bytes: &[u8]) -> (Begun, tokio::io::DuplexStream) {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        theirs.write_all(bytes).await.unwrap();
        (Begun::look(Connection::over(ours, None)).await.unwrap(), theirs)
    }

    #[tokio::test]
    async fn plain_http_is_told_to_use_https() {
        let (plain, mut theirs) = begun(b"GET / HTTP/1.1\r\n\r\n").await;
        assert!(plain.is_in_the_clear());
        plain.refuse().await.unwrap();
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
        let (mut other, theirs) = begun(&[22, 3, 1]).await;
        assert!(!other.is_in_the_clear());
        drop(theirs);
        let mut read = Vec::new();
        other.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, [22, 3, 1]);
    }
}
