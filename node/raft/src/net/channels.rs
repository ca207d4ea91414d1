//! gRPC channels to other nodes.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint, Uri};

use super::{
    CONNECT_DURATION_MAX, Connection, Judge, KEEP_ALIVE_DURATION_MAX, KEEP_ALIVE_INTERVAL, Network, PeerTls,
    WINDOW_BYTES,
};

/// How a connection to HOST:PORT is made.
pub(crate) struct Way {
    pub(crate) network: Arc<dyn Network>,
    pub(crate) tls: Arc<PeerTls>,
    /// Whose key must be found there.
    pub(crate) judge: Judge,
}

impl Way {
    async fn connect(&self, address: &str) -> io::Result<Connection> {
        let connection = self.network.connect(address).await?;
        self.tls.connect(connection, self.judge.clone()).await
    }
}

/// A gRPC channel to HOST:PORT that connects when it is first used and again whenever it must.
pub(crate) fn channel(way: Way, address: &str) -> io::Result<Channel> {
    let way = Arc::new(way);
    let connector = connector(move |address| {
        let way = way.clone();
        async move { way.connect(&address).await }
    });
    Ok(endpoint(address)?.connect_with_connector_lazy(connector))
}

/// A gRPC channel over a connection that is there, and over no other.
pub(crate) fn channel_over(connection: Connection, address: &str) -> io::Result<Channel> {
    let connection = Arc::new(Mutex::new(Some(connection)));
    let connector = connector(move |_| {
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move { connection.ok_or_else(|| io::ErrorKind::ConnectionReset.into()) }
    });
    Ok(endpoint(address)?.connect_with_connector_lazy(connector))
}

/// Whether something can be connected to at all.
pub(crate) fn check_address(address: &str) -> Result<(), String> {
    endpoint(address).map(drop).map_err(|error| error.to_string())
}

fn endpoint(address: &str) -> io::Result<Endpoint> {
    let uri = format!("http://{address}");
    let endpoint =
        Endpoint::from_shared(uri).map_err(|error| io::Error::other(format!("{address}: {error}")))?;
    Ok(endpoint
        .connect_timeout(CONNECT_DURATION_MAX)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_DURATION_MAX)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES))
}

fn connector<F: Future<Output = io::Result<Connection>> + Send + 'static>(
    connect: impl Fn(String) -> F + Send + Sync + 'static,
) -> impl tower::Service<
    Uri,
    Response = TokioIo<Connection>,
    Error = io::Error,
    Future = impl Future<Output = io::Result<TokioIo<Connection>>> + Send,
> + Send
+ 'static {
    tower::service_fn(move |uri: Uri| {
        let address = uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        let connecting = connect(address);
        async move { connecting.await.map(TokioIo::new) }
    })
}
