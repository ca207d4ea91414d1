//! An end of a stream, and a listener, for the code that runs on a machine.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use holdfast_raft::net::{Connection, Listener, NetFuture};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Net;
use super::state::EndName;

/// One end of a stream.
pub(super) struct SimulatedStream {
    net: Net,
    name: EndName,
}

impl SimulatedStream {
    pub(super) fn new(net: Net, number: u64, side: usize) -> Self {
        Self { net, name: (number, side) }
    }
}

impl AsyncRead for SimulatedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (read, writer) = self.net.lock().poll_read(self.name, context, buffer);
        if let Some(writer) = writer {
            writer.wake();
        }
        read
    }
}

impl AsyncWrite for SimulatedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.net.lock().poll_write(self.name, context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.net.lock().end(self.name);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimulatedStream {
    fn drop(&mut self) {
        self.net.lock().drop_end(self.name);
    }
}

/// Listens at an address.
pub(super) struct Ear {
    net: Net,
    address: SocketAddr,
}

impl Ear {
    pub(super) fn new(net: Net, address: SocketAddr) -> Self {
        Self { net, address }
    }
}

impl Listener for Ear {
    fn accept(&mut self) -> NetFuture<'_, Connection> {
        Box::pin(async move {
            let accepted = std::future::poll_fn(|context| self.net.lock().poll_accept(self.address, context));
            let (number, caller) = accepted.await?;
            Ok(Connection::over(SimulatedStream::new(self.net.clone(), number, 1), Some(caller)))
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.net.lock().close(self.address);
    }
}
