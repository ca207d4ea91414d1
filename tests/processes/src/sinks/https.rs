//! An HTTPS server that can also stall, and lose an answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::plan::Plan;

/// A call as it came.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What becomes of a call.
pub(super) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Begins a body, and never ends it.
    StallWithin {
        status: u16,
    },
    Stall,
    /// Closes the connection.
    Lose,
}

/// Serves until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) open: Arc<Open>,
    accepting: JoinHandle<()>,
}

/// How many calls have begun and not ended.
#[derive(Default)]
pub(super) struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One of them, until it is dropped.
struct OpenCall(Arc<Open>);

impl Call {
    /// A header that is text, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string() }
    }

    pub(super) fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: String::new() }
    }

    /// What a plan wants, or what is usual.
    pub(super) fn planned(plan: Plan, usual: Self) -> Self {
        match plan {
            Plan::Take => usual,
            Plan::Answer { status, headers, body } => Self::Answer { status, headers, body },
            Plan::StallWithin { status } => Self::StallWithin { status },
            Plan::Stall => Self::Stall,
            Plan::Lose => Self::Lose,
        }
    }
}

impl Server {
    /// Answers every call with what `handle` says of it.
    pub(super) async fn start(
        tls: TlsAcceptor,
        handle: impl Fn(Call) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (handle, open) = (Arc::new(handle), Arc::new(Open::default()));
        let counted = Arc::clone(&open);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(tls.clone(), stream, Arc::clone(&handle), Arc::clone(&counted)));
            }
        });
        Self { address, open, accepting }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Open {
    pub(super) fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// The most there ever were at once.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    fn begin(self: &Arc<Self>) -> OpenCall {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        OpenCall(Arc::clone(self))
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(
    tls: TlsAcceptor,
    stream: TcpStream,
    handle: Arc<impl Fn(Call) -> Reply + Send + Sync + 'static>,
    open: Arc<Open>,
) {
    let Ok(stream) = tls.accept(stream).await else { return };
    let cut = Arc::new(Notify::new());
    let service = service_fn(|request| {
        let (handle, cut, open) = (Arc::clone(&handle), Arc::clone(&cut), Arc::clone(&open));
        async move {
            let _open = open.begin();
            let Some(call) = read(request).await else { return Ok(answer(400, Vec::new(), String::new())) };
            match handle(call) {
                Reply::Answer { status, headers, body } => Ok::<_, Infallible>(answer(status, headers, body)),
                Reply::StallWithin { status } => Ok(begun(status)),
                Reply::Stall => std::future::pending().await,
                Reply::Lose => {
                    cut.notify_one();
                    std::future::pending().await
                }
            }
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = serving => (),
        () = cut.notified() => (),
    }
}

async fn read(request: Request<hyper::body::Incoming>) -> Option<Call> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let (method, path, version) = (head.method, head.uri.path().to_owned(), head.version);
    Some(Call { method, path, version, headers: head.headers, body })
}

/// The beginning of a body that never ends.
struct Begun(Option<Bytes>);

impl Body for Begun {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

type Said = Either<Full<Bytes>, Begun>;

fn answer(status: u16, headers: Vec<(&'static str, String)>, body: String) -> Response<Said> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Either::Left(Full::new(Bytes::from(body)))).unwrap()
}

fn begun(status: u16) -> Response<Said> {
    let begun = Begun(Some(Bytes::from("it beg")));
    Response::builder().status(status).header("content-length", 100).body(Either::Right(begun)).unwrap()
}
