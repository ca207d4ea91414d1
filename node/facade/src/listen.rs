//! Serves HTTP and gRPC on one port: every connection is bounded in number, in what it may send, and in how long it may
//! say nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use bytes::Bytes;
use holdfast_raft::net::{Connection, Listener};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, watch};
use tower::Service as _;

use crate::limits::Remote;

/// Connections at the same time; more wait in the operating system's queue.
const CONNECTIONS_MAX: usize = 20_000;

/// A connection that says nothing at first, or is slow with a head, is closed after this.
const HEAD_DURATION_MAX: Duration = Duration::from_secs(10);

/// The head of a call in HTTP/1: its buffer, and how many headers it may have.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 64;

/// Calls at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 1024;

/// A window that holds many calls: a stream of bookings never waits for it on a fast network.
const WINDOW_BYTES: u32 = 1 << 20;

const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_DURATION_MAX: Duration = Duration::from_secs(10);

/// Calls in progress have this long to end when the node stops.
const DRAIN_DURATION_MAX: Duration = Duration::from_secs(5);

/// After a failed accept: out of file handles, perhaps, and others may close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` turns true, then lets what is in progress end.
pub async fn serve(mut listener: Box<dyn Listener>, router: Router, mut stop: watch::Receiver<bool>) {
    let server = Arc::new(builder());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&mut *listener, &places) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((connection, place)) = accepted else { break };
        let (server, router, watcher) = (server.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let remote = connection.remote.map(|remote| Remote(remote.ip()));
            let Ok(connection) = Awake::wait(connection).await else { return };
            let service = tower::service_fn(move |mut request: Request<Incoming>| {
                if let Some(remote) = remote {
                    request.extensions_mut().insert(remote);
                }
                router.clone().call(request)
            });
            let service = TowerToHyperService::new(service);
            let served = server.serve_connection(TokioIo::new(connection), service).into_owned();
            // A caller who breaks off is no news.
            drop(watcher.watch(served).await);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_DURATION_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("some calls had not ended when the node stopped");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DURATION_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(4 * WINDOW_BYTES)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_DURATION_MAX);
    builder
}

async fn accept(
    listener: &mut dyn Listener,
    places: &Arc<Semaphore>,
) -> Option<(Connection, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok(connection) => return Some((connection, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection that has said something. The server itself would wait for ever for the first byte.
struct Awake {
    first: Bytes,
    connection: Connection,
}

impl Awake {
    async fn wait(mut connection: Connection) -> io::Result<Self> {
        let mut first = vec![0; 1024];
        let read = tokio::time::timeout(HEAD_DURATION_MAX, connection.read(&mut first)).await;
        let length = read.map_err(|_| io::ErrorKind::TimedOut)??;
        first.truncate(length);
        match length {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(Self { first: first.into(), connection }),
        }
    }
}

impl AsyncRead for Awake {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.connection).poll_read(context, buffer);
        }
        let length = self.first.len().min(buffer.remaining());
        let taken = self.first.split_to(length);
        buffer.put_slice(&taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Awake {
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
