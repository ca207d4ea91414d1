//! Closes a connection whose other end takes no bytes: nobody else limits for how long it may keep what is written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::TAKES_NOTHING_DURATION_MAX;

/// A connection with a limit on how long it takes nothing.
pub(super) struct Patient<C> {
    connection: C,
    /// While it takes nothing: until when.
    until: Option<Pin<Box<Sleep>>>,
}

impl<C> Patient<C> {
    pub(super) fn over(connection: C) -> Self {
        Self { connection, until: None }
    }

    fn within<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(TAKES_NOTHING_DURATION_MAX)));
        until.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Patient<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Patient<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(context, bytes);
        self.within(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.connection).poll_flush(context);
        self.within(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.connection).poll_shutdown(context);
        self.within(context, shut)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write_vectored(context, bytes);
        self.within(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_nothing_is_given_up_and_whoever_takes_a_little_is_not() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut patient = Patient::over(near);
        let writing = tokio::spawn(async move {
            loop {
                if let Err(error) = patient.write_all(&[0; 16]).await {
                    return error.kind();
                }
            }
        });
        let mut taken = [0; 16];
        for _ in 0..3 {
            sleep(TAKES_NOTHING_DURATION_MAX / 2).await;
            far.read_exact(&mut taken).await.unwrap();
            assert!(!writing.is_finished());
        }
        sleep(TAKES_NOTHING_DURATION_MAX + Duration::from_secs(1)).await;
        assert_eq!(writing.await.unwrap(), io::ErrorKind::TimedOut);
    }
}
