//! Every listener and every connector of a node is made here, for clients, peers and operators alike.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::Connected;

mod addresses;
mod begun;
mod channels;
mod client_tls;
mod handshakes;
mod inside;
mod networks;
mod peer_tls;
mod severed;
mod shares;

pub use addresses::{is_address, is_everywhere, is_loopback};
pub use client_tls::{CertificateError, CertificateFiles, ClientTls, Reloaded};
pub use networks::network_of;
pub use shares::{Share, Shares};

pub(crate) use channels::{Way, channel, channel_over, check_address};
pub(crate) use handshakes::Handshakes;
pub(crate) use inside::Inside;
pub(crate) use peer_tls::{IS_SECURED, Judge, PeerTls};
pub(crate) use severed::sever_after;

use crate::own_key::PublicKey;

/// How long a connection may take to come about.
pub(crate) const CONNECT_DURATION_MAX: Duration = Duration::from_secs(1);

/// An idle connection is asked for a sign of life this often, and given up when none comes in time.
pub(crate) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
pub(crate) const KEEP_ALIVE_DURATION_MAX: Duration = Duration::from_secs(3);

/// A window that holds several large appends: on a fast network the round trip never limits them.
pub(crate) const WINDOW_BYTES: u32 = 8 << 20;

/// What the network gives or takes some time later.
pub type NetFuture<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// A network of machines.
pub trait Network: Send + Sync {
    /// Connects to HOST:PORT.
    fn connect<'a>(&'a self, address: &'a str) -> NetFuture<'a, Connection>;

    /// Listens at HOST:PORT; port 0 is any free one.
    fn listen<'a>(&'a self, address: &'a str) -> NetFuture<'a, Box<dyn Listener>>;
}

/// Takes connections.
pub trait Listener: Send + Sync {
    /// The next connection.
    fn accept(&mut self) -> NetFuture<'_, Connection>;

    /// Where it listens, with the real port.
    fn address(&self) -> SocketAddr;
}

/// A stream of bytes both ways.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// A connection, whatever it runs over.
pub struct Connection {
    stream: Box<dyn ByteStream>,
    /// What was read and put back.
    unread: Bytes,
    /// Who is at the other end.
    pub remote: Option<SocketAddr>,
    /// The key it has shown, if it is a node.
    pub(crate) peer_key: Option<PublicKey>,
}

/// Who is at the other end of a connection, as calls see it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OtherEnd {
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) key: Option<PublicKey>,
}

impl Connection {
    /// A connection over a stream.
    pub fn over(stream: impl ByteStream + 'static, remote: Option<SocketAddr>) -> Self {
        Self { stream: Box::new(stream), unread: Bytes::new(), remote, peer_key: None }
    }

    /// Lets these bytes be read once more, before all that was not read yet.
    pub fn put_back(&mut self, mut bytes: BytesMut) {
        bytes.extend_from_slice(&self.unread);
        self.unread = bytes.freeze();
    }
}

/// TCP as the operating system offers it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Network for Tcp {
    fn connect<'a>(&'a self, address: &'a str) -> NetFuture<'a, Connection> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let remote = stream.peer_addr().ok();
            Ok(Connection::over(stream, remote))
        })
    }

    fn listen<'a>(&'a self, address: &'a str) -> NetFuture<'a, Box<dyn Listener>> {
        Box::pin(async move {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok(Box::new(TcpAcceptor { listener, address }) as Box<dyn Listener>)
        })
    }
}

struct TcpAcceptor {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener for TcpAcceptor {
    fn accept(&mut self) -> NetFuture<'_, Connection> {
        Box::pin(async move {
            let (stream, remote) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok(Connection::over(stream, Some(remote)))
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut *self.stream).poll_read(context, buffer);
        }
        let length = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Connected for Connection {
    type ConnectInfo = OtherEnd;

    fn connect_info(&self) -> Self::ConnectInfo {
        OtherEnd { remote: self.remote, key: self.peer_key }
    }
}

/// A network whose machines take connections and never answer.
#[cfg(test)]
pub(crate) struct Frozen;

#[cfg(test)]
impl Network for Frozen {
    fn connect<'a>(&'a self, _address: &'a str) -> NetFuture<'a, Connection> {
        Box::pin(async {
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            std::mem::forget(theirs);
            Ok(Connection::over(ours, None))
        })
    }

    fn listen<'a>(&'a self, _address: &'a str) -> NetFuture<'a, Box<dyn Listener>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}
