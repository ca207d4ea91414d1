//! Who gets a place, and what a connection may leave unsaid.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use holdfast_raft::net::NetFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::*;

/// Gives the connections that a test makes.
struct InMemory(mpsc::Receiver<DuplexStream>);

impl Listener for InMemory {
    fn accept(&mut self) -> NetFuture<'_, Connection> {
        Box::pin(async {
            match self.0.recv().await {
                Some(stream) => Ok(Connection::over(stream, None)),
                None => std::future::pending().await,
            }
        })
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }
}

/// A server with so many places, and how to connect to it.
struct Stage {
    connections: mpsc::Sender<DuplexStream>,
    _stop: watch::Sender<bool>,
}

impl Stage {
    fn new(usual: usize, spare: usize) -> Self {
        let router = Router::new().route("/livez", get(|| async {})).route("/v1/cluster", get(|| async {}));
        Self::serving(router, usual, spare)
    }

    fn serving(router: Router, usual: usize, spare: usize) -> Self {
        let (connections, accepted) = mpsc::channel(1);
        let (stop, stopped) = watch::channel(false);
        let places = Places::new(usual, spare);
        tokio::spawn(serve_within(places, Box::new(InMemory(accepted)), router, stopped));
        Self { connections, _stop: stop }
    }

    async fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(64 << 10);
        self.connections.send(theirs).await.unwrap();
        ours
    }

    /// The status line of an answer on a connection of its own, which the server must close.
    async fn get(&self, path: &str) -> String {
        let mut connection = self.connect().await;
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

/// How many seconds a server keeps a connection that says this and nothing else.
async fn seconds_until_closed(first: &[u8]) -> u64 {
    let (stage, started_at) = (Stage::new(1, 1), Instant::now());
    let mut connection = stage.connect().await;
    connection.write_all(first).await.unwrap();
    drop(connection.read_to_end(&mut Vec::new()).await);
    started_at.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_get_to_the_point_is_closed() {
    let limit = HEAD_DURATION_MAX.as_secs();
    for first in ["", "P", "PRI * HTTP/2.0\r\n", "GET /livez HTTP/1.1\r\n"] {
        assert_eq!(seconds_until_closed(first.as_bytes()).await, limit, "{first:?}");
    }
    let idle = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(seconds_until_closed(idle.as_bytes()).await, limit);
}

#[tokio::test(start_paused = true)]
async fn a_full_node_still_tells_its_health_and_tells_others_that_it_is_full() {
    let stage = Stage::new(1, 1);
    let idle = stage.connect().await;
    let started_at = Instant::now();
    assert_eq!(stage.get("/livez").await, "HTTP/1.1 200 OK");
    assert_eq!(stage.get("/v1/cluster").await, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(started_at.elapsed(), Duration::ZERO);
    let _idle_too = stage.connect().await;
    assert_eq!(stage.get("/livez").await, "HTTP/1.1 200 OK");
    assert_eq!(started_at.elapsed().as_secs(), SPARE_DURATION_MAX.as_secs());
    drop(idle);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(stage.get("/v1/cluster").await, "HTTP/1.1 200 OK");
}

/// An answer of 64 MiB, made as it is written; how much of it was, and a word when it is let go.
fn long_answer() -> (Router, Arc<AtomicUsize>, oneshot::Receiver<()>) {
    let (made, (held, let_go)) = (Arc::new(AtomicUsize::new(0)), oneshot::channel());
    let (counter, held) = (made.clone(), Arc::new(std::sync::Mutex::new(Some(held))));
    let answer = move || {
        let (counter, held) = (counter.clone(), held.lock().unwrap().take());
        let parts = (0..4096).map(move |_| {
            let _held = &held;
            counter.fetch_add(16 << 10, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(&[0; 16 << 10]))
        });
        async { Body::from_stream(tokio_stream::iter(parts)) }
    };
    (Router::new().route("/long", get(answer)), made, let_go)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_is_not_made_either_and_soon_let_go() {
    let call = "GET /long HTTP/1.1\r\nhost: x\r\n\r\n";
    let another = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    for asked in [call.to_owned(), format!("{call}{another}")] {
        let (router, made, let_go) = long_answer();
        let (stage, started_at) = (Stage::serving(router, 1, 1), Instant::now());
        let mut connection = stage.connect().await;
        connection.write_all(asked.as_bytes()).await.unwrap();
        let is_let_go = tokio::time::timeout(10 * TAKES_NOTHING_DURATION_MAX, let_go).await.is_ok();
        let made = made.load(Ordering::Relaxed);
        assert!(made <= 1 << 20, "{made} bytes were made for a reader who took none: {asked}");
        assert!(is_let_go, "nobody lets go of an answer that is not read: {asked}");
        assert_eq!(started_at.elapsed().as_secs(), TAKES_NOTHING_DURATION_MAX.as_secs(), "{asked}");
        drop(connection);
    }
}
