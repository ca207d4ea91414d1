//! Serves HTTP and gRPC on one port: every connection is bounded in number, in what it may send, and in how long it may
//! say nothing.

mod awake;
mod patient;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use holdfast_raft::net::{Connection, Listener};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service as _;

use self::awake::wait_until_awake;
use self::patient::Patient;
use crate::http::{close_after, health};
use crate::limits::Remote;
use crate::problem::Problem;
use crate::watch::Stopping;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 20_000;

/// Connections above that: they ask for health, or are told that this node is full. More wait in the operating system's
/// queue.
const SPARE_CONNECTIONS_MAX: usize = 256;

/// A connection above the usual number is closed after this, whatever it is doing.
const SPARE_DURATION_MAX: Duration = Duration::from_secs(1);

/// A connection that says nothing at first, or is slow with a head, is closed after this.
const HEAD_DURATION_MAX: Duration = Duration::from_secs(10);

/// The head of a call in HTTP/1: its buffer, and how many headers it may have. Both are more than we take: whoever keeps
/// to them gets an answer that says what is too much.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 256;

/// Calls at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 1024;

/// A window that holds many calls: a stream of bookings never waits for it on a fast network.
const WINDOW_BYTES: u32 = 1 << 20;

const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_DURATION_MAX: Duration = Duration::from_secs(10);

/// A connection that takes no bytes of what is written to it is closed after this.
const TAKES_NOTHING_DURATION_MAX: Duration = Duration::from_secs(30);

/// Calls in progress have this long to end when the node stops.
const DRAIN_DURATION_MAX: Duration = Duration::from_secs(5);

/// After a failed accept: out of file handles, perhaps, and others may close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` turns true, then lets what is in progress end.
pub async fn serve(listener: Box<dyn Listener>, router: Router, stop: watch::Receiver<bool>) {
    serve_within(Places::new(CONNECTIONS_MAX, SPARE_CONNECTIONS_MAX), listener, router, stop).await;
}

async fn serve_within(
    places: Places,
    mut listener: Box<dyn Listener>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let server = Arc::new(builder());
    let router_of_spares = router.clone().layer(from_fn(only_health));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&mut *listener, &places) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((connection, place)) = accepted else { break };
        let (server, watcher, stopping) = (server.clone(), graceful.watcher(), Stopping(stop.clone()));
        match place {
            Place::Usual(place) => {
                let router = router.clone();
                tokio::spawn(async move {
                    let _place = place;
                    serve_connection(&server, connection, router, watcher, stopping).await;
                });
            }
            Place::Spare(place) => {
                let router = router_of_spares.clone();
                tokio::spawn(async move {
                    let _place = place;
                    let served = serve_connection(&server, connection, router, watcher, stopping);
                    drop(tokio::time::timeout(SPARE_DURATION_MAX, served).await);
                });
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_DURATION_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("some calls had not ended when the node stopped");
    }
}

async fn serve_connection(
    server: &Builder<TokioExecutor>,
    mut connection: Connection,
    router: Router,
    watcher: Watcher,
    stopping: Stopping,
) {
    let remote = connection.remote.map(|remote| Remote(remote.ip()));
    if wait_until_awake(&mut connection).await.is_err() {
        return;
    }
    let service = tower::service_fn(move |mut request: axum::http::Request<Incoming>| {
        if let Some(remote) = remote {
            request.extensions_mut().insert(remote);
        }
        request.extensions_mut().insert(stopping.clone());
        router.clone().call(request)
    });
    let service = TowerToHyperService::new(service);
    let served = server.serve_connection(TokioIo::new(Patient::over(connection)), service).into_owned();
    // A caller who breaks off is no news.
    drop(watcher.watch(served).await);
}

/// What is served when there are more connections than usual.
async fn only_health(request: Request, next: Next) -> Response {
    let version = request.version();
    let mut response = if health::is_at(request.uri().path()) {
        next.run(request).await
    } else {
        Problem::overloaded("this node has too many connections; nothing was done").into_response()
    };
    close_after(version, &mut response);
    response
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DURATION_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        // Otherwise hyper takes whole bodies into memory, however slowly they are read.
        .pipeline_flush(false);
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

/// The next connection and its place; `None` if there will be no more.
async fn accept(listener: &mut dyn Listener, places: &Places) -> Option<(Connection, Place)> {
    loop {
        match listener.accept().await {
            Ok(connection) => return Some((connection, places.take().await?)),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Places for connections.
struct Places {
    usual: Arc<Semaphore>,
    spare: Arc<Semaphore>,
}

enum Place {
    Usual(OwnedSemaphorePermit),
    Spare(OwnedSemaphorePermit),
}

impl Places {
    fn new(usual: usize, spare: usize) -> Self {
        Self { usual: Arc::new(Semaphore::new(usual)), spare: Arc::new(Semaphore::new(spare)) }
    }

    /// A usual place or else a spare one, which soon become free.
    async fn take(&self) -> Option<Place> {
        match self.usual.clone().try_acquire_owned() {
            Ok(place) => Some(Place::Usual(place)),
            Err(_) => self.spare.clone().acquire_owned().await.ok().map(Place::Spare),
        }
    }
}
