//! A connection that can be cut from this side, whatever the other one does.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Connection;

type Cut = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection that ends when `cut` does.
pub(crate) fn sever_after(
    connection: Connection,
    cut: impl Future<Output = ()> + Send + 'static,
) -> Connection {
    let Connection { stream, unread, remote, peer_key } = connection;
    let stream = Box::new(Severed { stream, cut: Some(Box::pin(cut)) });
    Connection { stream, unread, remote, peer_key }
}

struct Severed {
    stream: Box<dyn super::ByteStream>,
    /// `None` once it is cut.
    cut: Option<Cut>,
}

impl Severed {
    /// Whoever serves a connection always reads: that is where it is woken.
    fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(cut) = &mut self.cut else { return Poll::Ready(()) };
        std::task::ready!(cut.as_mut().poll(context));
        self.cut = None;
        Poll::Ready(())
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.is_none() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Severed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.poll_cut(context).is_ready() {
            return Poll::Ready(self.check());
        }
        Pin::new(&mut *self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Severed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut *self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_more_learns_that_it_was_cut() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let (cut, is_cut) = oneshot::channel::<()>();
        let mut connection = sever_after(Connection::over(ours, None), async { drop(is_cut.await) });
        theirs.write_all(b"x").await.unwrap();
        assert_eq!(connection.read_u8().await.unwrap(), b'x');
        let reading = tokio::spawn(async move {
            let read = connection.read_u8().await.map_err(|error| error.kind());
            (read, connection.write_u8(b'y').await.map_err(|error| error.kind()))
        });
        drop(cut);
        let aborted = io::ErrorKind::ConnectionAborted;
        assert_eq!(reading.await.unwrap(), (Err(aborted), Err(aborted)));
        assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0, "nothing was sent");
    }
}
